//! The pipeline: the one way of a request, and the only caller of operations.
//!
//! Match the row, open the request, fetch credential and targets in one go, authenticate,
//! authorise, call the operation, log once, close in the dialect.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use lambda_http::{Body, Request, Response};
use serde::de::DeserializeOwned;

use crate::base::conditions::Conditions;
use crate::base::error::{Error, Kind};
use crate::base::id::TenantId;
use crate::base::rights::Permission;
use crate::http::dialect::Dialect;
use crate::http::dialect::answer::Closing;
use crate::http::incoming::Incoming;
use crate::http::messages::SignedMessages;
use crate::http::reply::Reply;
use crate::http::routes::{Function, Route};
use crate::http::routing::Router;
use crate::http::{authenticate, messages, presented};
use crate::model::people::principal::Principal;
use crate::model::people::tenant::Tenant;
use crate::services::context::Context;
use crate::services::objects::Objects;
use crate::services::sealing::DataKey;
use crate::store::record::{Reader, Stored};
use crate::store::{Key, Query, keys};

/// What an operation will read, known before its caller is: fetched together with the credential.
#[derive(Debug, Default)]
pub struct Plan<B = ()> {
    /// Items by key.
    pub keys: Vec<Key>,
    /// First pages of queries.
    pub queries: Vec<Query>,
    /// What was made of the request's body to know that, for the operation: see
    /// [`Operations::Body`].
    pub body: B,
}

impl Plan {
    /// These items.
    pub fn keys(keys: Vec<Key>) -> Self {
        Self {
            keys,
            queries: Vec::new(),
            body: (),
        }
    }

    /// With what was made of the request's body.
    pub fn with_body<B>(self, body: B) -> Plan<B> {
        Plan {
            keys: self.keys,
            queries: self.queries,
            body,
        }
    }
}

impl<B> Plan<B> {
    /// With this query.
    pub fn query(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    /// With these items.
    pub fn and(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.keys.extend(keys);
        self
    }
}

/// A function's operations.
pub trait Operations: Send + Sync + 'static {
    /// Its operations.
    type Op: Copy + Debug + Send + Sync + 'static;
    /// Its part of the route table.
    const FUNCTION: Function<Self::Op>;
    /// What [`plan`](Self::plan) makes of a request's body and hands to the operation, so that a
    /// body is read once. `()` for functions whose plans read no more than single fields. Nothing
    /// is planned for rows that are open to anybody: their operations get the default.
    type Body: Default + Send + Sync;

    /// The path by which a request's row is found, where it is not the request's own: paths that
    /// carry a version, calls that name their operation in the body.
    fn address(request: &Request) -> Cow<'_, str> {
        Cow::Borrowed(request.uri().path())
    }

    /// How the messages of its signed rows are written, for functions that have such.
    fn messages() -> Option<&'static dyn SignedMessages> {
        None
    }

    /// What `op` will read for a caller of that tenant. It saves a round trip and decides nothing:
    /// a plan that names the wrong things is only slower.
    fn plan(_op: Self::Op, _incoming: &Incoming, _handle: TenantId) -> Plan<Self::Body> {
        Plan::default()
    }

    /// Does `op`.
    fn call(
        op: Self::Op,
        call: Call<'_, Self::Body>,
    ) -> impl Future<Output = Result<Reply, Error>> + Send;
}

/// A request to an operation: authenticated and authorised.
pub struct Call<'a, B = ()> {
    /// What the function has to work with.
    pub context: &'a Context,
    /// The request.
    pub incoming: &'a Incoming,
    /// The caller; `None` on open rows.
    pub principal: Option<&'a Principal>,
    /// Reads for this request.
    pub reader: Reader<'a>,
    /// What the plan made of the request's body.
    pub planned: B,
}

impl<'a, B> Call<'a, B> {
    /// The caller.
    ///
    /// # Errors
    /// Unauthenticated on open rows.
    pub fn who(&self) -> Result<&'a Principal, Error> {
        self.principal.ok_or_else(Error::unauthenticated)
    }

    /// The request as the operation's own type.
    ///
    /// # Errors
    /// Those of [`Incoming::parse`].
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.incoming.parse()
    }

    /// The bucket.
    ///
    /// # Errors
    /// Internal in a function that was started without it.
    pub fn objects(&self) -> Result<&'a dyn Objects, Error> {
        self.context.objects()
    }

    /// The tenant's key that seals and signs.
    ///
    /// # Errors
    /// Not found for an unknown tenant; the store's and the keeper's.
    pub async fn data_key(&mut self, tenant_id: TenantId) -> Result<DataKey, Error> {
        let tenant: Option<Stored<Tenant>> = self.reader.get(&keys::tenant(tenant_id)).await?;
        let tenant = tenant.ok_or_else(|| Error::not_found("unknown tenant"))?;
        self.context
            .sealer()?
            .data_key(tenant_id, &tenant.value.data_key)
            .await
    }
}

/// A function that serves requests: its routes and its context.
pub struct Endpoint<F: Operations> {
    router: Router,
    rows: Vec<(Route, F::Op)>,
    /// What is spoken where no row says it.
    first_dialect: &'static dyn Dialect,
    context: Context,
}

impl<F: Operations> Endpoint<F> {
    /// A function with that context.
    ///
    /// # Errors
    /// Internal for a route table that contradicts itself or is empty.
    pub fn new(context: Context) -> Result<Self, Error> {
        let rows = (F::FUNCTION.rows)();
        let (first, _) = rows
            .first()
            .ok_or_else(|| Error::internal("a function without rows"))?;
        Ok(Self {
            router: Router::new(rows.iter().map(|(row, _)| row))?,
            first_dialect: first.dialect,
            rows,
            context,
        })
    }

    /// Serves one request. Everything that goes wrong becomes an answer in the row's dialect.
    pub async fn serve(&self, request: Request) -> Response<Body> {
        let began = Instant::now();
        let (method, path) = (request.method().clone(), F::address(&request).into_owned());
        let is_get = matches!(method, http::Method::GET | http::Method::HEAD);
        let mut conditions = Conditions::default();
        let mut by_password = false;
        let (mut echo, mut signer) = (serde_json::Value::Null, None);
        let (dialect, operation, outcome) = match self.router.find(&method, &path) {
            // Without a row of its own the nearest one says which dialect is spoken here, else the
            // function's first.
            Err(error) => {
                let nearest = self
                    .rows
                    .get(self.router.nearest(&method, &path).unwrap_or_default());
                (
                    nearest.map_or(self.first_dialect, |(row, _)| row.dialect),
                    "none",
                    Err(error),
                )
            }
            Ok(matched) => {
                let (row, op) = &self.rows[matched.row];
                let settings = &self.context.settings;
                let mut incoming = Incoming::open(
                    request,
                    matched.params,
                    &settings.scheme,
                    settings.public_url.as_deref(),
                );
                row.dialect.unwrap_envelope(&mut incoming);
                let outcome = self.run(row, *op, &mut incoming).await;
                conditions = incoming.conditions;
                (echo, signer) = (incoming.echo, incoming.signer);
                by_password = row.permission == Permission::Open;
                (row.dialect, row.operation, outcome)
            }
        };
        log_once(F::FUNCTION.name, operation, &outcome, began);
        let create_status = self.context.settings.create_status;
        let closing = Closing {
            is_get,
            conditions: &conditions,
            create_status,
            by_password,
            echo: &echo,
            signer: signer.as_ref(),
        };
        let mut response = dialect.close(outcome, &closing);
        if method == http::Method::HEAD {
            *response.body_mut() = Body::Empty;
        }
        response
    }

    async fn run(&self, row: &Route, op: F::Op, incoming: &mut Incoming) -> Result<Reply, Error> {
        let mut reader = Reader::new(&*self.context.table, self.context.clock.now());
        if row.permission == Permission::Open {
            let call = Call {
                context: &self.context,
                incoming,
                principal: None,
                reader,
                planned: F::Body::default(),
            };
            return F::call(op, call).await;
        }
        if row.permission == Permission::Signed {
            return self.run_signed(row, op, incoming, reader).await;
        }
        let chosen = row
            .dialect
            .choose_credential(&incoming.presented, row.permission);
        let (credential, in_cookie) = chosen.ok_or_else(Error::unauthenticated)?;
        let tenant_id = credential.handle();
        incoming.claimed = Some(tenant_id);
        let plan = F::plan(op, incoming, tenant_id);
        let mut wanted = authenticate::keys_of(&credential);
        wanted.extend(plan.keys);
        reader.fetch(wanted, plan.queries).await?;
        let for_apps = matches!(row.permission, Permission::AppOr(_))
            && presented::is_presented_by_app(&incoming.presented);
        let principal = authenticate::authenticate(&mut reader, &credential, for_apps).await?;
        // Bodies of text/plain are taken as JSON, so a form on another site could send one with the
        // user's cookie.
        if in_cookie && !incoming.is_get && !incoming.same_origin {
            return Err(Error::forbidden(
                "A request from another site cannot use the cookie",
            ));
        }
        let domain = incoming.param("domain");
        authenticate::authorise(
            Some(&principal),
            row.permission,
            (!domain.is_empty()).then_some(domain),
        )?;
        tracing::debug!(user = %principal.owner.user, "authorised");
        F::call(
            op,
            Call {
                context: &self.context,
                incoming,
                principal: Some(&principal),
                reader,
                planned: plan.body,
            },
        )
        .await
    }

    /// The same for a message, whose credential is its signature: nothing in it counts before that
    /// is verified.
    async fn run_signed(
        &self,
        row: &Route,
        op: F::Op,
        incoming: &mut Incoming,
        mut reader: Reader<'_>,
    ) -> Result<Reply, Error> {
        let messages = F::messages()
            .ok_or_else(|| Error::internal("a signed row in a function without messages"))?;
        let mut opened = messages.open(&incoming.body)?;
        incoming.replace_input(std::mem::take(&mut opened.input));
        let token = messages::token(&opened)?;
        let tenant_id = token.handle();
        incoming.claimed = Some(tenant_id);
        let plan = F::plan(op, incoming, tenant_id);
        let mut wanted = messages::keys_of(&token);
        wanted.extend(plan.keys);
        reader.fetch(wanted, plan.queries).await?;
        let principal = messages::authenticate(
            &self.context,
            &mut reader,
            messages,
            &mut opened,
            &token,
            incoming,
        )
        .await?;
        authenticate::authorise(Some(&principal), row.permission, None)?;
        F::call(
            op,
            Call {
                context: &self.context,
                incoming,
                principal: Some(&principal),
                reader,
                planned: plan.body,
            },
        )
        .await
    }
}

fn log_once(function: &str, operation: &str, outcome: &Result<Reply, Error>, began: Instant) {
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    match outcome {
        Ok(_) => tracing::info!(function, operation, micros, "answered"),
        Err(error) => {
            let cause = error.cause.as_deref().unwrap_or_default();
            match error.kind {
                Kind::Internal | Kind::Unavailable => {
                    tracing::error!(
                        function,
                        operation,
                        micros,
                        kind = %error.kind,
                        cause,
                        "failed"
                    )
                }
                Kind::NoSuchOperation
                | Kind::MethodNotAllowed
                | Kind::NotFound
                | Kind::Invalid
                | Kind::Conflict
                | Kind::Unauthenticated
                | Kind::Forbidden
                | Kind::PreconditionFailed
                | Kind::TooLarge
                | Kind::UnsupportedType
                | Kind::TooManyRequests => {
                    tracing::info!(
                        function,
                        operation,
                        micros,
                        kind = %error.kind,
                        message = %error.line(),
                        cause,
                        "refused"
                    )
                }
            }
        }
    }
}

/// A function as the gateway calls it, whichever operations it has.
pub type Service =
    lambda_http::tower::util::BoxCloneSyncService<Request, Response<Body>, Infallible>;

/// The service of a function with that context: what the Lambda binary runs and what the local
/// gateway calls.
///
/// # Errors
/// Internal for a route table that contradicts itself.
pub fn service<F: Operations>(context: Context) -> Result<Service, Error> {
    let endpoint = Arc::new(Endpoint::<F>::new(context)?);
    Ok(lambda_http::tower::util::BoxCloneSyncService::new(
        lambda_http::service_fn(move |request: Request| {
            let endpoint = Arc::clone(&endpoint);
            async move { Ok::<_, Infallible>(endpoint.serve(request).await) }
        }),
    ))
}
