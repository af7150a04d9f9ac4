//! What may break a rule of the layout, and why: `tests/layout-exceptions.txt`.

use std::collections::BTreeMap;

use crate::rules::Finding;

/// The exceptions, each with its reason.
#[derive(Debug)]
pub struct Exceptions(BTreeMap<String, String>);

impl Exceptions {
    /// One a line, `rule what # reason`; lines that start with `#` say something to their readers.
    ///
    /// # Errors
    /// A line without a reason, or a second one for the same.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut made = BTreeMap::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, reason) = line
                .split_once(" # ")
                .ok_or_else(|| format!("an exception without its reason: {line}"))?;
            if made.insert(name.to_owned(), reason.to_owned()).is_some() {
                return Err(format!("an exception that stands twice: {line}"));
            }
        }
        Ok(Self(made))
    }

    /// What is wrong: findings without an exception, and exceptions (of these rules) that nothing
    /// needs any more.
    pub fn judge(&self, rules: &[&str], findings: &[Finding]) -> Vec<String> {
        let mut wrong: Vec<String> = findings
            .iter()
            .filter(|finding| !self.0.contains_key(&finding.name))
            .map(|finding| finding.text.clone())
            .collect();
        let unused = self.0.keys().filter(|name| {
            let rule = name.split(' ').next().unwrap_or_default();
            rules.contains(&rule) && !findings.iter().any(|finding| finding.name == **name)
        });
        wrong.extend(unused.map(|name| format!("take this exception out: {name}")));
        wrong
    }

    /// The rules that the file names.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|name| name.split(' ').next())
    }
}
