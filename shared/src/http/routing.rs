//! Finding the row of the route table that a request is for. The matching itself is `matchit`'s.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::base::code::ErrorText;
use crate::base::error::{Error, Kind};
use crate::http::routes::Route;

/// A function's rows, ready for matching.
pub struct Router {
    table: matchit::Router<Vec<usize>>,
    methods: Vec<Method>,
}

/// A matched request: which row, and what the path's parameters are.
#[derive(Debug, PartialEq, Eq)]
pub struct Matched {
    /// Index of the row.
    pub row: usize,
    /// The path's parameters, decoded.
    pub params: Vec<(String, String)>,
}

/// What is wrong with a parameter of a path that no operation would take.
const WRONG_PARAMETER: &str =
    "This part of the path is empty, is not UTF-8, or holds a slash or a control character";

impl Router {
    /// A router over those rows.
    ///
    /// # Errors
    /// Internal for rows whose paths contradict each other, a defect that a test finds.
    pub fn new<'a>(rows: impl Iterator<Item = &'a Route>) -> Result<Self, Error> {
        let mut paths: Vec<(&str, Vec<usize>)> = Vec::new();
        let mut methods = Vec::new();
        for (index, row) in rows.enumerate() {
            methods.push(row.method.clone());
            match paths.iter_mut().find(|(path, _)| *path == row.path) {
                Some((_, rows)) => rows.push(index),
                None => paths.push((row.path, vec![index])),
            }
        }
        let mut table = matchit::Router::new();
        for (path, rows) in paths {
            table.insert(path, rows).map_err(Error::internal)?;
        }
        Ok(Self { table, methods })
    }

    /// The row whose dialect an error about that path is told in: the one of the method, else the
    /// first of the path.
    pub fn nearest(&self, method: &Method, path: &str) -> Option<usize> {
        let path = path
            .strip_suffix('/')
            .filter(|shorter| !shorter.is_empty())
            .unwrap_or(path);
        let rows = self.table.at(path).ok()?.value;
        rows.iter()
            .find(|row| self.methods[**row] == *method)
            .or(rows.first())
            .copied()
    }

    /// The row for this method and raw path. One trailing slash is forgiven; HEAD is a GET.
    ///
    /// # Errors
    /// No such operation; method not allowed, with the methods that are in the message; invalid for
    /// a parameter that is empty, holds a slash or a control character, or is no UTF-8 once
    /// decoded.
    pub fn find(&self, method: &Method, path: &str) -> Result<Matched, Error> {
        let path = match path.strip_suffix('/') {
            Some(shorter) if !shorter.is_empty() => shorter,
            _ => path,
        };
        let found = self
            .table
            .at(path)
            .map_err(|_| Error::new(Kind::NoSuchOperation, "There is no such operation"))?;
        let wanted = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let Some(row) = found
            .value
            .iter()
            .find(|row| self.methods[**row] == *wanted)
        else {
            let allowed: Vec<&str> = found
                .value
                .iter()
                .map(|row| self.methods[*row].as_str())
                .collect();
            return Err(Error::new(
                Kind::MethodNotAllowed,
                format!("This operation takes {}", allowed.join(", ")),
            ));
        };
        let mut params = Vec::new();
        for (name, raw) in found.params.iter() {
            let value = percent_decode_str(raw)
                .decode_utf8()
                .map_err(|_| Error::invalid(ErrorText::beside_field(name, WRONG_PARAMETER)))?;
            if value.is_empty()
                || value.contains(['/', '\\'])
                || value.chars().any(char::is_control)
            {
                return Err(Error::invalid(ErrorText::beside_field(
                    name,
                    WRONG_PARAMETER,
                )));
            }
            params.push((name.to_owned(), value.into_owned()));
        }
        Ok(Matched { row: *row, params })
    }
}
