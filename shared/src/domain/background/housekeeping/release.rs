//! References to objects by deleted apps, and by what nobody took over.

use std::collections::BTreeMap;

use super::run::Run;
use crate::base::error::Error;
use crate::base::id::{Guid, TenantId};
use crate::model::task;
use crate::model::task::Task;
use crate::store::{Condition, Write, keys};

/// Takes back references to objects, which `names` has once per reference, and removes the aliases
/// of versions; gives whether this run did it. The objects are left to tasks of their own.
///
/// # Errors
/// The store's.
pub(super) async fn take_back(
    run: &Run<'_>,
    tenant_id: TenantId,
    names: &[String],
    aliases: &[Guid],
    task: Write,
) -> Result<bool, Error> {
    let mut writes = vec![task];
    let mut counted = BTreeMap::<&String, i64>::new();
    for name in names {
        *counted.entry(name).or_default() -= 1;
    }
    for (name, by) in counted {
        writes.push(Write::Count {
            key: keys::object(tenant_id, name),
            kind: "object",
            by,
            condition: Condition::Always,
        });
        let name = name.clone();
        writes.push(task::task(run.now, &Task::Object { tenant_id, name })?);
    }
    writes.extend(
        aliases
            .iter()
            .map(|alias| Write::Delete(keys::version(tenant_id, alias), Condition::Always)),
    );
    run.finish(writes).await
}
