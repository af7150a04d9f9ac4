//! Apps of every kind, made by the domain's own functions, and many of them at once.

use std::collections::BTreeMap;

use shared::base::clock::Timestamp;
use shared::base::id::{AppId, Guid};
use shared::base::kind::AppKind;
use shared::base::rights::{Rights, Role};
use shared::base::secret::SecretHash;
use shared::base::text::Name;
use shared::domain::apps::{app, catalogue, life_cycle, making};
use shared::model::apps::app::App;
use shared::model::people::principal::{Means, Principal};
use shared::model::people::user::Owner;
use shared::store::record::{Reader, Stored};
use shared::store::{Condition, Key, Write, keys, record};

use crate::{TestTenant, World};

/// Where the publisher API has its apps.
pub const APPS: &str = "/api/appm/publisher/v1.1/apps";

impl World {
    /// A user as a caller who may do what his roles give.
    pub async fn principal(&self, tenant: &TestTenant, user: &Guid) -> Principal {
        let owner: Owner = self.user_record(tenant, user).await.value.owner;
        let rights = owner
            .roles
            .iter()
            .map(|role: &Role| role.rights())
            .fold(Rights::EMPTY, |rights, role| rights | role);
        Principal {
            tenant_id: tenant.tenant_id,
            domain: tenant.domain.clone(),
            owner,
            rights,
            means: Means::Session,
            credential: SecretHash::of("a credential that nobody presents"),
        }
    }

    /// Makes an app of that kind as the administrator.
    pub async fn make_app(&self, tenant: &TestTenant, kind: AppKind, name: &str) -> AppId {
        self.make_app_with(tenant, kind, name, |_| {}).await
    }

    /// The same with more on its app record.
    pub async fn make_app_with(
        &self,
        tenant: &TestTenant,
        kind: AppKind,
        name: &str,
        more: impl Fn(&mut App) + Send + Sync,
    ) -> AppId {
        let who = self.principal(tenant, &tenant.admin).await;
        let mut reader = Reader::new(&*self.plain.table, self.plain.clock.now());
        let (reader, now) = (&mut reader, self.plain.clock.now());
        let id = AppId::new(now);
        let made = shared::change!(reader, {
            let mut app = App::new(
                &who.owner,
                id,
                kind,
                Name::new(name.to_owned()).expect("a name"),
                now,
            );
            more(&mut app);
            let writes = making::create_writes(reader, &who, &mut app).await?;
            Ok((app.id, writes))
        });
        made.expect("an app is made")
    }

    /// Deletes an app as the administrator.
    pub async fn delete_app(&self, tenant: &TestTenant, id: AppId) {
        let who = self.principal(tenant, &tenant.admin).await;
        let mut reader = Reader::new(&*self.plain.table, self.plain.clock.now());
        making::delete(&mut reader, &who, id)
            .await
            .expect("an app is deleted");
    }

    /// An app.
    pub async fn app(&self, tenant: &TestTenant, id: AppId) -> Stored<App> {
        let mut reader = Reader::new(&*self.plain.table, self.plain.clock.now());
        app::read(&mut reader, tenant.tenant_id, id)
            .await
            .expect("a card")
    }

    /// Writes so many apps of a kind straight into the table, as making one after the other leaves
    /// them. Gives their ids.
    pub async fn fill(&self, tenant: &TestTenant, kind: AppKind, number: u32) -> Vec<AppId> {
        const AT_ONCE: usize = 25;
        let who = self.principal(tenant, &tenant.admin).await;
        let tenant_id = tenant.tenant_id;
        let start = self.plain.clock.now().0 - i64::from(number);
        let mut apps = Vec::new();
        for n in 0..number {
            let now = Timestamp(start + i64::from(n));
            let name = Name::new(format!("Many {n:05}")).expect("a name");
            let mut app = App::new(&who.owner, AppId::new(now), kind, name, now);
            app.bucket = n / u32::try_from(catalogue::BUCKET).expect("a number");
            app.tags = vec![format!("tag-{}", n % 3)];
            apps.push(app);
        }
        for some in apps.chunks(AT_ONCE) {
            let (mut writes, mut counts) =
                (Vec::new(), BTreeMap::<Key, (&'static str, i64)>::new());
            for app in some {
                writes.push(record::create(keys::app(tenant_id, app.id), app).expect("a card"));
                writes.push(
                    life_cycle::begun(tenant_id, app, &who.owner.username).expect("a history"),
                );
                for write in catalogue::changes(tenant_id, None, Some(app)).expect("rows") {
                    match write {
                        Write::Count { key, kind, by, .. } => {
                            counts.entry(key).or_insert((kind, 0)).1 += by
                        }
                        other => writes.push(other),
                    }
                }
                counts
                    .entry(keys::bucket(tenant_id, app.bucket))
                    .or_insert(("bucket", 0))
                    .1 += 1;
            }
            let owned = i64::try_from(some.len()).expect("a number");
            counts.insert(
                keys::owned_apps(tenant_id, &tenant.admin),
                ("owned-apps", owned),
            );
            writes.extend(counts.into_iter().map(|(key, (kind, by))| Write::Count {
                key,
                kind,
                by,
                condition: Condition::Always,
            }));
            self.plain
                .table
                .write(writes)
                .await
                .expect("apps are written");
        }
        apps.into_iter().map(|app| app.id).collect()
    }
}
