//! Owns standard output: one JSON object a line, flushed at once, since a test waits for each of them.
//! When the reader is gone there is nobody left to work for, so the process ends instead of panicking.

use base64::{engine::general_purpose::STANDARD, Engine as _};
use serde_json::{json, Map, Value};
use std::io::Write;

/// Writes one event line.
pub fn emit(event: Value) {
    let mut line = event.to_string();
    line.push('\n');
    let mut out = std::io::stdout().lock();
    if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Answers the command `id` with success and the fields of `extra` (an object).
pub fn succeed(id: &Value, extra: Value) {
    let mut fields = Map::new();
    fields.insert("event".into(), "result".into());
    fields.insert("id".into(), id.clone());
    fields.insert("ok".into(), true.into());
    if let Value::Object(more) = extra {
        fields.extend(more);
    }
    emit(Value::Object(fields));
}

/// Answers the command `id` with a failure.
pub fn fail(id: &Value, error: impl std::fmt::Display) {
    emit(json!({ "event": "result", "id": id, "ok": false, "error": error.to_string() }));
}

pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|e| format!("data is not base64: {e}"))
}
