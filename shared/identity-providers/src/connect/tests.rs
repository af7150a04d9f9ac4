//! The protocols against providers in this process.

mod delegation;
mod directory;
mod oauth1;
mod openid;
mod reach;
mod server;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::Value;

use super::{Connector, Resolve};
use crate::{Configuration, Reach};

const CALLBACK: &str = "https://store.example/callback";

/// An address that is public by its number and is nobody's: no block of it is allotted.
const NOWHERE: &str = "3000::1";

fn parse(kind: &str, fields: Value) -> Configuration {
    Configuration::parse(
        kind.parse().unwrap(),
        fields.as_object().unwrap(),
        Reach::Any,
    )
    .unwrap()
}

fn any() -> Connector {
    Connector::new(Reach::Any, None).unwrap()
}

/// Gives one list of addresses after the other, the last for ever, whatever the name.
struct Script {
    lists: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Script {
    fn new(lists: &[&[&str]]) -> Self {
        let lists = lists
            .iter()
            .map(|list| {
                list.iter()
                    .map(|address| address.parse().unwrap())
                    .collect()
            })
            .collect();
        Self {
            lists,
            asked: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl Resolve for Script {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.lists[turn.min(self.lists.len() - 1)].clone())
    }
}

#[test]
fn operations_may_move_between_threads() {
    fn send<T: Send>(_: &T) {}
    fn sync<T: Send + Sync>() {}
    sync::<Connector>();
    let (connector, configuration) = (any(), parse("OPENID", serde_json::json!({"clientId": "a"})));
    let (query, value) = (std::collections::BTreeMap::new(), Value::Null);
    let pending = super::Pending(super::Step::OAuth1 {
        token: "token-1".to_owned(),
        secret: "secret-1".to_owned(),
    });
    assert_eq!(format!("{pending:?}"), "Pending");
    send(&connector.begin(&configuration, "", ""));
    send(&connector.finish(&configuration, "", &pending, &query));
    if let Configuration::Ldap(ldap) = &configuration {
        send(&connector.bind(ldap, "", ""));
    }
    if let Configuration::Mbaas(mbaas) = &configuration {
        send(&connector.delegate(mbaas, &value));
    }
}
