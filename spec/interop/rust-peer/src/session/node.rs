//! Owns which session a command goes to: the one that is open, or one that is being opened for it.

use super::answerer::{Answerer, Limits};
use super::asker::{Asker, Order};
use super::behaviour::{Behaviour, Event, Token};
use super::commands::Command;
use super::{pump, Answer};
use crate::output::{fail, succeed};
use libp2p::PeerId;
use serde_json::{json, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};

enum Opening {
    Asker(UnboundedReceiver<Order>),
    /// The answer to a command comes when it is open.
    Extra(Value),
    Loop {
        id: Value,
        peer: PeerId,
        left: u32,
        opened: u32,
    },
}

pub struct Sessions {
    limits: Limits,
    answer: Arc<Mutex<Answer>>,
    askers: HashMap<PeerId, UnboundedSender<Order>>,
    opening: HashMap<Token, Opening>,
    /// Keeps the orders of extra sessions open: they get none.
    extra: Vec<UnboundedSender<Order>>,
}

impl Sessions {
    pub fn new(limits: Limits, answer: Answer) -> Self {
        Sessions {
            limits,
            answer: Arc::new(Mutex::new(answer)),
            askers: HashMap::new(),
            opening: HashMap::new(),
            extra: vec![],
        }
    }

    /// `behaviour` is `None` in a process without `--session`.
    pub fn run(&mut self, behaviour: Option<&mut Behaviour>, id: &Value, command: Command) {
        let Some(behaviour) = behaviour else {
            return fail(id, "this peer does not speak the session protocol: start it with --session");
        };
        match command {
            Command::SetAnswer(answer) => {
                *self.answer.lock().expect("nobody panics with it") = answer;
                succeed(id, json!({}));
            }
            Command::Order(peer, order) => {
                let order = match self.askers.get(&peer) {
                    Some(asker) => match asker.send(order) {
                        Ok(()) => return,
                        Err(unsent) => unsent.0,
                    },
                    None => order,
                };
                let (asker, orders) = unbounded_channel();
                let _ = asker.send(order);
                self.askers.insert(peer, asker);
                self.opening.insert(behaviour.open(peer), Opening::Asker(orders));
            }
            Command::Open(peer) => {
                self.opening.insert(behaviour.open(peer), Opening::Extra(id.clone()));
            }
            Command::Loop(peer, left) => {
                let opening = Opening::Loop { id: id.clone(), peer, left, opened: 0 };
                self.opening.insert(behaviour.open(peer), opening);
            }
        }
    }

    pub fn on_event(&mut self, behaviour: &mut Behaviour, event: Event) {
        match event {
            Event::Inbound { line } => {
                let (_, orders) = unbounded_channel();
                let machine = Answerer::new(self.limits.clone(), self.answer.clone());
                tokio::spawn(pump::run(machine, line, orders));
            }
            Event::Opened { token, line } => match self.opening.remove(&token) {
                Some(Opening::Asker(orders)) => drop(tokio::spawn(pump::run(Asker::default(), line, orders))),
                Some(Opening::Extra(id)) => {
                    let (asker, orders) = unbounded_channel();
                    self.extra.push(asker);
                    tokio::spawn(pump::run(Asker::default(), line, orders));
                    succeed(&id, json!({}));
                }
                // The line is dropped, and so its stream is reset.
                Some(Opening::Loop { id, peer, left, opened }) => {
                    let (left, opened) = (left.saturating_sub(1), opened + 1);
                    if left == 0 {
                        return succeed(&id, json!({ "opened": opened }));
                    }
                    self.opening.insert(behaviour.open(peer), Opening::Loop { id, peer, left, opened });
                }
                None => {}
            },
            Event::Failed { token, error } => match self.opening.remove(&token) {
                Some(Opening::Asker(mut orders)) => pump::refuse::<Asker>(&mut orders, &error),
                Some(Opening::Extra(id)) => fail(&id, error),
                Some(Opening::Loop { id, opened, .. }) => succeed(&id, json!({ "opened": opened, "error": error })),
                None => {}
            },
        }
    }
}
