//! A file of `tests/documented`: what its fields are.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::{apperian, pingid, rhmap, wso2};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub section: String,
    pub title: String,
    pub repairs: Vec<String>,
    #[serde(rename = "as")]
    pub caller: Caller,
    pub given: Vec<Step>,
    pub request: Request,
    #[serde(default)]
    until: bool,
    pub response: Response,
    #[serde(default)]
    then: Vec<Later>,
}

/// A request that is asked after the case's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Later {
    #[serde(rename = "as")]
    caller: Option<Caller>,
    request: Request,
    #[serde(default)]
    until: bool,
    response: Response,
}

/// A request, who asks it, and what must come of it.
pub struct Exchange<'a> {
    pub caller: Caller,
    pub request: &'a Request,
    pub response: &'a Response,
    /// Whether it is asked again until the answer is the one that is asked for.
    pub until: bool,
}

impl Case {
    /// The case's own request and those after it, in their order.
    pub fn exchanges(&self) -> impl Iterator<Item = Exchange<'_>> {
        let own = Exchange {
            caller: self.caller,
            request: &self.request,
            response: &self.response,
            until: self.until,
        };
        let later = self.then.iter().map(
            |Later {
                 caller,
                 request,
                 until,
                 response,
             }| {
                let caller = caller.unwrap_or(self.caller);
                Exchange {
                    caller,
                    request,
                    response,
                    until: *until,
                }
            },
        );
        std::iter::once(own).chain(later)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caller {
    Admin,
    StoreUser,
    Nobody,
    Wso2Admin,
    Wso2Creator,
    Wso2Publisher,
    Wso2Reader,
    Wso2Administration,
    ApperianAdmin,
    ApperianToken,
    ApperianMember,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Step {
    Rhmap(rhmap::Step),
    Wso2(wso2::Step),
    Apperian(apperian::Step),
    PingId(pingid::Step),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
    #[serde(default)]
    pub multipart: Vec<FormPart>,
    pub raw: Option<String>,
    pub form: Option<BTreeMap<String, String>>,
    pub message: Option<pingid::Message>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum FormPart {
    Text {
        name: String,
        value: String,
        #[serde(rename = "type")]
        kind: Option<String>,
    },
    File {
        name: String,
        filename: String,
        content: String,
        #[serde(rename = "type")]
        kind: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    pub status: u16,
    pub body: Option<Value>,
    /// The payload of a signed answer.
    pub signed: Option<Value>,
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    #[serde(default)]
    pub contains: Vec<String>,
    #[serde(default)]
    pub empty: bool,
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("documented")
}

/// All files with their names and texts. One that cannot be read, or names an unknown step, fails
/// every test.
pub fn cases() -> Vec<(String, String, Case)> {
    let entries = ["rhmap", "wso2", "apperian", "pingid"]
        .into_iter()
        .flat_map(|dialect| fs::read_dir(folder().join(dialect)).expect("the folder is there"));
    let mut found: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let (text, case) = read(&path);
            (
                path.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                text,
                case,
            )
        })
        .collect();
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    found
}

/// The body that the request of a file holds.
pub fn example(file: &str) -> Value {
    read(&folder().join(file))
        .1
        .request
        .body
        .unwrap_or_else(|| panic!("{file} has a body"))
}

fn read(path: &Path) -> (String, Case) {
    let failed = |error: &dyn Display| -> ! { panic!("{}: {error}", path.display()) };
    let text = fs::read_to_string(path).unwrap_or_else(|error| failed(&error));
    let case = serde_json::from_str(&text).unwrap_or_else(|error| failed(&error));
    (text, case)
}
