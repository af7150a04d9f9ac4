//! References to objects by deleted apps, and by what nobody took over.

use std::collections::BTreeMap;

use super::work::Work;
use crate::base::error::Error;
use crate::base::id::{Guid, Handle};
use crate::model::task;
use crate::model::task::Chore;
use crate::store::{Condition, Write, keys};

/// Takes back references to objects, which `names` has once per reference, and removes the aliases
/// of versions; gives whether this run did it. The objects are left to chores of their own.
///
/// # Errors
/// The store's.
pub(super) async fn take_back(
    work: &Work<'_>,
    handle: Handle,
    names: &[String],
    aliases: &[Guid],
    chore: Write,
) -> Result<bool, Error> {
    let mut writes = vec![chore];
    let mut counted = BTreeMap::<&String, i64>::new();
    for name in names {
        *counted.entry(name).or_default() -= 1;
    }
    for (name, by) in counted {
        writes.push(Write::Count {
            key: keys::object(handle, name),
            kind: "object",
            by,
            condition: Condition::Always,
        });
        let name = name.clone();
        writes.push(task::chore(work.now, &Chore::Object { handle, name })?);
    }
    writes.extend(
        aliases
            .iter()
            .map(|alias| Write::Delete(keys::version(handle, alias), Condition::Always)),
    );
    work.finish(writes).await
}
