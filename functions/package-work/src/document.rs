//! The document of an app's policies: signed here, for what is published and for what goes into the
//! package.

use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::domain::app_policies::policy_document;
use shared::domain::app_policies::policy_document::Unsigned;
use shared::http::addresses;
use shared::model::app_policies::policy_document::Published;
use shared::model::apps::app::Version;
use shared::model::apps::processing::Job;
use shared::services::context::Context;
use shared::services::sealing::DataKey;
use shared::store::Write;
use shared::store::record::{Reader, Stored};

/// The name of the signed document in a package.
pub const FILE: &str = "policies.jws";

/// The name of the keys that verify it, a JWK set.
pub const KEYS_FILE: &str = "policies-keys.json";

/// A document that was signed.
pub struct Document {
    /// What goes into the package.
    pub files: Vec<(&'static str, Vec<u8>)>,
    tenant_id: TenantId,
    former: Option<Stored<Published>>,
    published: Published,
}

impl Document {
    /// The document of the version's policies, which may be none. Its date is the job's: the same
    /// job gives the same document, however often it is done.
    ///
    /// # Errors
    /// The store's.
    pub async fn signed(
        context: &Context,
        tenant_id: TenantId,
        data_key: &DataKey,
        job: &Job,
        version: &Version,
    ) -> Result<Self, Error> {
        let mut reader = Reader::new(&*context.table, context.clock.now());
        let make = || {
            ::policy_document::new_key()
                .map(|pair| (pair.pkcs8, pair.jwk))
                .map_err(Error::internal)
        };
        let key = policy_document::key_or_new(&mut reader, tenant_id, data_key, make).await?;
        let former = policy_document::published(&mut reader, tenant_id, job.binary).await?;
        let policies = version
            .processing
            .as_ref()
            .map(|processing| processing.policies.as_slice())
            .unwrap_or_default();
        let url = addresses::policy_document(&job.base_url, tenant_id, job.binary);
        let unsigned = Unsigned {
            tenant_id,
            binary: job.binary,
            identifier: &version.identifier,
            policies,
            url: &url,
            issued: job.created,
            former: former.as_ref().map(|former| &former.value),
        };
        let jws = ::policy_document::sign(&key.pkcs8(data_key)?, &key.kid, &unsigned.payload()?)
            .map_err(Error::internal)?;
        let files = vec![
            (FILE, jws.clone().into_bytes()),
            (KEYS_FILE, key.key_set().to_string().into_bytes()),
        ];
        let published = unsigned.signed(jws);
        Ok(Self {
            files,
            tenant_id,
            former,
            published,
        })
    }

    /// The write that publishes it.
    ///
    /// # Errors
    /// Internal.
    pub fn publish(self) -> Result<Write, Error> {
        policy_document::publish(self.tenant_id, self.former, self.published)
    }
}
