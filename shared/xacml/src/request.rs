//! What a condition is asked about.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::value::{DataType, Raw, Value};

/// The category of the one who asks.
pub const SUBJECT: &str = "urn:oasis:names:tc:xacml:1.0:subject-category:access-subject";
/// The category of what is asked for.
pub const RESOURCE: &str = "urn:oasis:names:tc:xacml:3.0:attribute-category:resource";
/// The category of what is to be done with it.
pub const ACTION: &str = "urn:oasis:names:tc:xacml:3.0:attribute-category:action";
/// The category of what holds for everybody, such as the time.
pub const ENVIRONMENT: &str = "urn:oasis:names:tc:xacml:3.0:attribute-category:environment";

/// The attribute that names the subject.
pub const SUBJECT_ID: &str = "urn:oasis:names:tc:xacml:1.0:subject:subject-id";
/// The attribute that holds the subject's roles.
pub const SUBJECT_ROLE: &str = "urn:oasis:names:tc:xacml:2.0:subject:role";
/// The claim that holds the subject's roles in the product whose partials these are.
pub const ROLE_CLAIM: &str = "http://wso2.org/claims/role";
/// The attribute that names the resource.
pub const RESOURCE_ID: &str = "urn:oasis:names:tc:xacml:1.0:resource:resource-id";
/// The attribute that names the action.
pub const ACTION_ID: &str = "urn:oasis:names:tc:xacml:1.0:action:action-id";
/// The attribute that holds the time of day.
pub const CURRENT_TIME: &str = "urn:oasis:names:tc:xacml:1.0:environment:current-time";
/// The attribute that holds the day.
pub const CURRENT_DATE: &str = "urn:oasis:names:tc:xacml:1.0:environment:current-date";
/// The attribute that holds the day and the time.
pub const CURRENT_DATE_TIME: &str = "urn:oasis:names:tc:xacml:1.0:environment:current-dateTime";

/// The attributes that a condition is evaluated against.
///
/// Nothing is looked up while a condition is evaluated: what is not in here is absent, the time
/// included.
#[derive(Clone, Debug, Default)]
pub struct Request {
    // Category and identifier; the values of one attribute may be of several data types, each its
    // own bag.
    attributes: HashMap<String, HashMap<String, Vec<Value>>>,
    pub(crate) zone: i32,
}

impl Request {
    /// A request without attributes, not even the time. Times that name no zone are read as UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A request that holds the time, the date and both together as they are at `now` in a place
    /// `offset` from UTC. Times in a condition that name no zone are read as of that place.
    #[must_use]
    pub fn at(now: Timestamp, offset: Offset) -> Self {
        let (local, zone) = (offset.to_datetime(now), offset.seconds());
        // Zones are written in whole minutes; the seconds of historical ones do not occur today.
        let written = Some(zone - zone % 60);
        let request = Self {
            attributes: HashMap::new(),
            zone,
        };
        request
            .environment(CURRENT_TIME, Value(Raw::Time(local.time(), written)))
            .environment(CURRENT_DATE, Value(Raw::Date(local.date(), written)))
            .environment(CURRENT_DATE_TIME, Value(Raw::DateTime(local, written)))
    }

    /// Adds a value to an attribute of any category.
    #[must_use]
    pub fn attribute(mut self, category: &str, id: &str, value: Value) -> Self {
        self.attributes
            .entry(category.to_owned())
            .or_default()
            .entry(id.to_owned())
            .or_default()
            .push(value);
        self
    }

    /// Adds a value to an attribute of the subject.
    #[must_use]
    pub fn subject(self, id: &str, value: Value) -> Self {
        self.attribute(SUBJECT, id, value)
    }

    /// Adds a value to an attribute of the resource.
    #[must_use]
    pub fn resource(self, id: &str, value: Value) -> Self {
        self.attribute(RESOURCE, id, value)
    }

    /// Adds a value to an attribute of the action.
    #[must_use]
    pub fn action(self, id: &str, value: Value) -> Self {
        self.attribute(ACTION, id, value)
    }

    /// Adds a value to an attribute of the environment.
    #[must_use]
    pub fn environment(self, id: &str, value: Value) -> Self {
        self.attribute(ENVIRONMENT, id, value)
    }

    // Every value of one attribute, of whichever data type.
    pub(crate) fn values(&self, category: &str, id: &str) -> &[Value] {
        self.attributes
            .get(category)
            .and_then(|attributes| attributes.get(id))
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn has(&self, category: &str, id: &str, data_type: DataType) -> bool {
        self.values(category, id)
            .iter()
            .any(|value| value.data_type() == data_type)
    }
}
