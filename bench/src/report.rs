//! The table that is printed, and its form as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What was measured against what.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is measured.
    pub gate: &'static str,
    /// Of what.
    pub subject: String,
    /// The measurement, in the unit of the limit.
    pub measured: f64,
    /// The most that it may be; `None` where there is no gate.
    pub limit: Option<f64>,
    /// The unit of both.
    pub unit: &'static str,
    /// What else is worth knowing.
    pub note: String,
}

impl Row {
    /// Whether it holds.
    pub fn passes(&self) -> bool {
        self.limit.is_none_or(|limit| self.measured <= limit)
    }

    fn verdict(&self) -> &'static str {
        match self.limit {
            None => "-",
            Some(_) if self.passes() => "PASS",
            Some(_) => "FAIL",
        }
    }
}

/// All rows.
#[derive(Default)]
pub struct Report {
    /// In the order in which they are printed.
    pub rows: Vec<Row>,
    /// What the yardsticks themselves took here: no gate, for it says more about the machine.
    pub orientation: Vec<String>,
}

impl Report {
    /// Whether all gates hold.
    pub fn passes(&self) -> bool {
        self.rows.iter().all(Row::passes)
    }

    /// The table for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut gate = "";
        for row in &self.rows {
            if row.gate != gate {
                gate = row.gate;
                // Writing to a string cannot fail.
                let _ = writeln!(text, "\n{gate}");
            }
            let limit = row
                .limit
                .map_or(String::new(), |limit| format!("<= {limit}"));
            let (measured, unit) = (row.measured, row.unit);
            let _ = writeln!(
                text,
                "  {:4}  {:26} {measured:9.2} {unit:6} {limit:10} {}",
                row.verdict(),
                row.subject,
                row.note
            );
        }
        for line in &self.orientation {
            let _ = writeln!(text, "\n{line}");
        }
        text
    }

    /// The table for programs.
    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "gate": row.gate,
                "subject": row.subject,
                "measured": row.measured,
                "limit": row.limit,
                "unit": row.unit,
                "pass": row.limit.map(|_| row.passes()),
                "note": row.note,
            })
        });
        json!({
            "pass": self.passes(), "rows": rows.collect::<Vec<_>>(),
            "orientation": self.orientation,
        })
    }
}

/// The middle of the measurements.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values {
        [] => f64::NAN,
        sorted => f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]),
    }
}

/// A count as a number with a point: counts of bytes and nanoseconds here are far below the 2^52
/// that it holds exactly.
pub fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&mut [4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn a_row_beyond_its_limit_fails_the_report() {
        let row = |measured, limit| Row {
            gate: "g",
            subject: "s".to_owned(),
            measured,
            limit,
            unit: "x",
            note: String::new(),
        };
        let mut report = Report {
            rows: vec![row(1.0, Some(1.0)), row(9.0, None)],
            orientation: Vec::new(),
        };
        assert!(report.passes());
        report.rows.push(row(1.01, Some(1.0)));
        assert!(
            !report.passes() && report.text().contains("FAIL") && report.json()["pass"] == false
        );
        // What could not be measured does not hold either.
        assert!(!row(f64::NAN, Some(1.0)).passes());
    }
}
