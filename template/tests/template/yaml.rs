//! A YAML document as a tree with CloudFormation's short forms written out: `!Ref X` is `{Ref: X}`,
//! `!Sub X` is `{Fn::Sub: X}`.

use saphyr::{LoadableYamlNode, Scalar, Yaml};

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A scalar as it is printed.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A mapping, in order.
    Map(Vec<(String, Self)>),
}

impl Node {
    /// The one document in a text.
    pub fn parse(text: &str) -> Self {
        let documents = Yaml::load_from_str(text).unwrap();
        assert_eq!(documents.len(), 1);
        Self::of(&documents[0])
    }

    fn of(yaml: &Yaml<'_>) -> Self {
        match yaml {
            Yaml::Value(Scalar::Null) => Self::Text(String::new()),
            Yaml::Value(Scalar::Boolean(value)) => Self::Text(value.to_string()),
            Yaml::Value(Scalar::Integer(value)) => Self::Text(value.to_string()),
            Yaml::Value(Scalar::FloatingPoint(value)) => Self::Text(value.to_string()),
            Yaml::Value(Scalar::String(value)) => Self::Text(value.to_string()),
            Yaml::Sequence(items) => Self::List(items.iter().map(Self::of).collect()),
            Yaml::Mapping(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(name, node)| (Self::of(name).text().to_owned(), Self::of(node)))
                    .collect(),
            ),
            Yaml::Tagged(tag, node) => {
                let name = if tag.suffix == "Ref" {
                    "Ref".to_owned()
                } else {
                    format!("Fn::{}", tag.suffix)
                };
                Self::Map(vec![(name, Self::of(node))])
            }
            other => panic!("no part of a template: {other:?}"),
        }
    }

    /// The node under that name.
    #[track_caller]
    pub fn at(&self, name: &str) -> &Self {
        self.find(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// The node under that name, if there is one.
    pub fn find(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, node)| node)
    }

    /// A mapping's entries.
    #[track_caller]
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let Self::Map(entries) = self else {
            panic!("no mapping: {self:?}")
        };
        entries.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// A list's items.
    #[track_caller]
    pub fn items(&self) -> impl Iterator<Item = &Self> {
        let Self::List(items) = self else {
            panic!("no list: {self:?}")
        };
        items.iter()
    }

    /// A scalar.
    #[track_caller]
    pub fn text(&self) -> &str {
        let Self::Text(text) = self else {
            panic!("no scalar: {self:?}")
        };
        text
    }

    /// The scalars under that name anywhere in the tree; of a list its first.
    pub fn text_of_all(&self, wanted: &str) -> Vec<&str> {
        match self {
            Self::Text(_) => Vec::new(),
            Self::List(items) => items
                .iter()
                .flat_map(|item| item.text_of_all(wanted))
                .collect(),
            Self::Map(entries) => {
                let mut found = Vec::new();
                for (name, node) in entries {
                    match node {
                        Self::Text(text) if name == wanted => found.push(text.as_str()),
                        Self::List(items) if name == wanted => {
                            if let Some(Self::Text(text)) = items.first() {
                                found.push(text.as_str());
                            }
                        }
                        _ => {}
                    }
                    found.extend(node.text_of_all(wanted));
                }
                found
            }
        }
    }
}
