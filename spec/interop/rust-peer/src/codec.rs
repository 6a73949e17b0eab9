//! Owns the bytes of `/tinyp2p/req-resp/1.0.0`: an unsigned varint with the length, the payload, then the end of the
//! write side, in both directions. A response stream that ends with no bytes at all is a rejection.
//!
//! libp2p 0.52 only logs an error that a codec returns for an outgoing request, and the request is never answered.
//! So what goes wrong on our own requests is handed on as an [`Answer`], and what goes wrong while reading somebody
//! else's request is told through a channel.

use async_trait::async_trait;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{request_response, StreamProtocol};
use std::io;
use tokio::sync::mpsc::UnboundedSender;

pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/tinyp2p/req-resp/1.0.0");

/// What became of a request: the payload, or why there is none.
pub type Answer = Result<Vec<u8>, String>;

#[derive(Clone)]
pub struct TinyCodec {
    pub max_request: u64,
    pub max_response: u64,
    /// Where failures of incoming requests are told.
    pub reports: UnboundedSender<String>,
    /// Why writing our request failed. Each request has a codec of its own, so this never mixes two of them.
    pub write_error: Option<String>,
}

#[async_trait]
impl request_response::Codec for TinyCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Answer;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let read = match read_message(io, self.max_request, "request").await {
            Ok(Some(payload)) => Ok(payload),
            Ok(None) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the request has no bytes")),
            Err(error) => Err(error),
        };
        read.inspect_err(|error| {
            let _ = self.reports.send(describe(error));
        })
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Answer>
    where
        T: AsyncRead + Unpin + Send,
    {
        Ok(match read_message(io, self.max_response, "response").await {
            Ok(Some(payload)) => Ok(payload),
            // A request that could not be written out was not rejected, it never arrived.
            Ok(None) => Err(self.write_error.take().unwrap_or_else(|| "rejected".into())),
            Err(error) => Err(self.write_error.take().unwrap_or_else(|| describe(&error))),
        })
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        if let Err(error) = write_message(io, &request).await {
            self.write_error = Some(format!("write failed: {}", describe(&error)));
        }
        Ok(())
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Answer) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match response {
            Ok(payload) => write_message(io, &payload).await,
            Err(_) => io.close().await,
        }
    }
}

fn describe(error: &io::Error) -> String {
    format!("{:?}: {error}", error.kind())
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

async fn write_message<T: AsyncWrite + Unpin>(io: &mut T, payload: &[u8]) -> io::Result<()> {
    let mut frame = Vec::with_capacity(payload.len() + 10);
    let mut rest = payload.len() as u64;
    while rest >= 0x80 {
        frame.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    frame.push(rest as u8);
    frame.extend_from_slice(payload);
    io.write_all(&frame).await?;
    io.close().await
}

/// Reads one message; `None` if the stream ends before its first byte. The declared length is checked before
/// anything is read for it, and memory grows only with what has arrived.
async fn read_message<T: AsyncRead + Unpin>(io: &mut T, max: u64, what: &str) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = read_length(io).await? else {
        return Ok(None);
    };
    if length > max {
        return Err(invalid(format!("a {what} of {length} bytes exceeds the limit of {max}")));
    }
    let mut payload = Vec::new();
    io.take(length).read_to_end(&mut payload).await?;
    if (payload.len() as u64) < length {
        let text = format!("the {what} ended after {} of {length} bytes", payload.len());
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
    }
    Ok(Some(payload))
}

async fn read_length<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<Option<u64>> {
    let mut length = 0u64;
    for place in 0..10 {
        let mut byte = [0u8];
        if io.read(&mut byte).await? == 0 {
            return match place {
                0 => Ok(None),
                _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ended inside the length")),
            };
        }
        let bits = u64::from(byte[0] & 0x7f);
        if place == 9 && bits > 1 {
            break;
        }
        length |= bits << (7 * place);
        if byte[0] & 0x80 == 0 {
            return match (place, bits) {
                (1.., 0) => Err(invalid("the length is not a minimal varint".into())),
                _ => Ok(Some(length)),
            };
        }
    }
    Err(invalid("the length does not fit into 64 bits".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{executor::block_on, io::Cursor};
    use libp2p::request_response::Codec as _;
    use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};

    fn codec() -> (TinyCodec, UnboundedReceiver<String>) {
        let (reports, told) = unbounded_channel();
        (TinyCodec { max_request: 300, max_response: 4, reports, write_error: None }, told)
    }

    fn response(bytes: &[u8]) -> Answer {
        block_on(codec().0.read_response(&PROTOCOL, &mut Cursor::new(bytes))).unwrap()
    }

    fn written(payload: &[u8]) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        block_on(codec().0.write_request(&PROTOCOL, &mut out, payload.to_vec())).unwrap();
        out.into_inner()
    }

    #[test]
    fn empty_stream_is_a_rejection() {
        assert_eq!(response(&[]), Err("rejected".into()));
    }

    #[test]
    fn zero_length_is_legal_both_ways() {
        assert_eq!(written(&[]), [0]);
        assert_eq!(response(&[0]), Ok(vec![]));
        let request = block_on(codec().0.read_request(&PROTOCOL, &mut Cursor::new([0u8])));
        assert_eq!(request.unwrap(), b"");
    }

    #[test]
    fn over_the_limit_is_refused_and_told() {
        assert_eq!(response(&[4, 1, 2, 3, 4]), Ok(vec![1, 2, 3, 4]));
        assert!(response(&[5, 1, 2, 3, 4, 5]).unwrap_err().contains("5 bytes exceeds the limit of 4"));
        let (mut codec, mut told) = codec();
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        let error = block_on(codec.read_request(&PROTOCOL, &mut Cursor::new(huge))).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(told.try_recv().unwrap().contains("exceeds the limit of 300"));
    }

    #[test]
    fn two_byte_lengths_round_trip() {
        let bytes = written(&[7; 300]);
        assert_eq!(bytes[..2], [0xac, 0x02]);
        let read = block_on(codec().0.read_request(&PROTOCOL, &mut Cursor::new(bytes))).unwrap();
        assert_eq!(read, [7; 300]);
    }

    #[test]
    fn broken_lengths_and_short_payloads_are_errors() {
        for bytes in [&[3, 1][..], &[0x80], &[0x81, 0], &[0xff; 11]] {
            assert_ne!(response(bytes).unwrap_err(), "rejected", "{bytes:?}");
        }
    }

    #[test]
    fn request_that_was_not_written_is_not_a_rejection() {
        let mut codec = codec().0;
        codec.write_error = Some("write failed".into());
        let answer = block_on(codec.read_response(&PROTOCOL, &mut Cursor::new([0u8; 0])));
        assert_eq!(answer.unwrap(), Err("write failed".into()));
    }
}
