//! What the parameters of these operations may say.

use shared::base::error::Error;
use shared::base::id::BinaryType;
use shared::base::kind::Listing;
use shared::domain::apps::file;

/// `appType`, which is documented as required and says nothing about the file: one file serves apps
/// of all types. Clients send it in the query, some in the form.
///
/// # Errors
/// Invalid without it, not found for a type that does not exist.
pub fn app_type(named: Option<&str>) -> Result<(), Error> {
    match named.filter(|named| !named.is_empty()) {
        None => Err(Error::invalid(
            "appType is missing: webapp, mobileapp or site",
        )),
        Some(named) => named.parse::<Listing>().map(|_| ()),
    }
}

/// The type of package that a path's file name announces, by its extension.
///
/// # Errors
/// Invalid for another extension.
pub fn named_package(name: &str) -> Result<BinaryType, Error> {
    file::package_kind(name).ok_or_else(|| Error::invalid("fileName must end with .apk or .ipa"))
}
