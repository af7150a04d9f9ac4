//! Throttling tiers: how many requests a gateway lets through to a web app (001, "throttlingTier").
//! They are the product's own and the same for every tenant.

use crate::base::error::Error;

/// A throttling tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Its name, which policy groups hold.
    pub name: &'static str,
    /// The name that people see.
    pub display_name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Requests in a minute; `None` for as many as come.
    pub per_minute: Option<u32>,
    /// Where it stands in lists: the one that lets least through is 1.
    pub sort_key: u32,
}

/// All tiers, the one that lets least through first.
pub const ALL: [Tier; 4] = [
    Tier {
        name: "Bronze",
        display_name: "Bronze",
        description: "Allows 1 request per minute",
        per_minute: Some(1),
        sort_key: 1,
    },
    Tier {
        name: "Silver",
        display_name: "Silver",
        description: "Allows 5 requests per minute",
        per_minute: Some(5),
        sort_key: 2,
    },
    Tier {
        name: "Gold",
        display_name: "Gold",
        description: "Allows 20 requests per minute",
        per_minute: Some(20),
        sort_key: 3,
    },
    Tier {
        name: "Unlimited",
        display_name: "Unlimited",
        description: "Allows any number of requests",
        per_minute: None,
        sort_key: 4,
    },
];

/// The tier of that name; case counts.
///
/// # Errors
/// Invalid for any other text: it names `throttlingTier` and the tiers that there are.
pub fn find(name: &str) -> Result<Tier, Error> {
    ALL.into_iter()
        .find(|tier| tier.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|tier| tier.name).collect();
            Error::invalid(format!("throttlingTier is one of {}", names.join(", ")))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_found_by_their_names_and_stand_in_order() {
        assert_eq!(find("Gold").unwrap().per_minute, Some(20));
        assert!(
            find("gold")
                .unwrap_err()
                .message
                .contains("Bronze, Silver, Gold, Unlimited")
        );
        assert!(
            ALL.iter()
                .zip(1..)
                .all(|(tier, place)| tier.sort_key == place)
        );
    }
}
