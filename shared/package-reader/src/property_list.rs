//! Apple's property lists, with limits: XML and binary.

use std::io::Cursor;

use plist::stream::{Event, Reader};
use plist::{Dictionary, Value};

use crate::isolation::isolated;
use crate::refusal::{ReadError, RefusalCode, refused};

/// Bytes of a list.
pub(crate) const MAX_LIST: u64 = 2 * 1024 * 1024;
const DEPTH: usize = 64;
const EVENTS: usize = 100_000;
/// Bytes of all strings and data together. In the binary form one string can stand in many places.
const CONTENT: usize = 16 * 1024 * 1024;

/// Reads a file such as Info.plist, with the limits that this crate has for those of apps.
///
/// # Errors
///
/// [`ReadError::Refused`], in which `what` names the file, if it is bigger than 2 MB, damaged, too
/// deep, or no dictionary.
pub fn property_list(bytes: &[u8], what: &str) -> Result<Dictionary, ReadError> {
    if bytes.len() as u64 > MAX_LIST {
        return Err(refused(
            RefusalCode::TooLarge,
            format!("{what} is bigger than the 2 MB that are accepted."),
        ));
    }
    isolated(what, || parse(bytes, what))
}

/// Parses a property list whose root is a dictionary. `what` names it in the refusals. The bytes
/// were capped by whoever read them; call it on an isolated thread.
pub(crate) fn parse(bytes: &[u8], what: &str) -> Result<Dictionary, ReadError> {
    let mut events = Vec::new();
    let (mut depth, mut content) = (0usize, 0usize);
    for event in Reader::new(Cursor::new(bytes)) {
        let event =
            event.map_err(|_| refused(RefusalCode::Unreadable, format!("{what} is damaged.")))?;
        match &event {
            Event::StartArray(_) | Event::StartDictionary(_) => depth += 1,
            Event::EndCollection => depth = depth.saturating_sub(1),
            Event::Data(data) => content += data.len(),
            Event::String(text) => content += text.len(),
            _ => {}
        }
        if depth > DEPTH {
            return Err(refused(
                RefusalCode::TooDeep,
                format!("{what} has more than {DEPTH} levels inside each other."),
            ));
        }
        if content > CONTENT || events.len() == EVENTS {
            return Err(refused(
                RefusalCode::TooLarge,
                format!("{what} holds more than is accepted."),
            ));
        }
        events.push(event);
    }
    match Value::from_events(events.into_iter().map(Ok)) {
        Ok(Value::Dictionary(dictionary)) => Ok(dictionary),
        _ => Err(refused(
            RefusalCode::Unreadable,
            format!("{what} is damaged."),
        )),
    }
}
