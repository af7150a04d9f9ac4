//! Sign-in to the Apperian API.

use shared::Error;
use shared::dialect;
use shared::error::Kind;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::apperian_sign_in::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct SignIn;

impl Operations for SignIn {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    fn address(request: &lambda_http::Request) -> std::borrow::Cow<'_, str> {
        std::borrow::Cow::Borrowed(dialect::apperian::unversioned(request.uri().path()))
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Authenticate => authenticate(call).await,
            Op::AuthenticateForCatalog => authenticate_for_catalog(call).await,
            Op::SignOut => sign_out(call).await,
            Op::ReadUser => read_user(call).await,
        }
    }
}

/// Authenticate
async fn authenticate(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// AuthenticateForCatalog
async fn authenticate_for_catalog(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// SignOut
async fn sign_out(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ReadUser
async fn read_user(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}
