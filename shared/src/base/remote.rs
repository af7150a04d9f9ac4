//! Calls of AWS services that failed: whether a repetition may help.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::base::error::Error;

/// The codes of refusals with a status of the client's that another try may not meet: throttling,
/// conflicts, slow requests and credentials that were renewed meanwhile.
const PASSING: [&str; 16] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "TransactionCanceledException",
    "OperationAborted",
    "ConditionalRequestConflict",
    "RequestTimeout",
    "RequestTimeoutException",
    "RequestTimeTooSkewed",
    "ExpiredToken",
    "ExpiredTokenException",
    "SlowDown",
];

/// Whether the same call would fail each time: the service understood it and refuses it, or it
/// could not even be built. No answer, an answer that is cut off, and errors of the service itself
/// may pass.
pub fn is_permanent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::ServiceError(refused) => {
            let status = refused.raw().status().as_u16();
            (400..500).contains(&status)
                && !matches!(status, 408 | 425 | 429)
                && !refused
                    .err()
                    .code()
                    .is_some_and(|code| PASSING.contains(&code))
        }
        _ => false,
    }
}

/// What a failed call is to our caller: a defect of ours where no repetition helps, else
/// unavailable. The log gets the cause.
pub fn failure<E>(error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let cause = DisplayErrorContext(error);
    if is_permanent(error) {
        Error::internal(cause)
    } else {
        Error::unavailable(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Kind;
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::get_item::GetItemError;
    use aws_smithy_types::body::SdkBody;

    fn refused(status: u16, code: &str) -> Kind {
        let meta = ErrorMetadata::builder().code(code).build();
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        failure(&SdkError::service_error(
            GetItemError::generic(meta),
            response,
        ))
        .kind
    }

    #[test]
    fn what_no_repetition_cures_is_a_defect_and_what_passes_is_unavailable() {
        for code in [
            "ValidationException",
            "ResourceNotFoundException",
            "AccessDeniedException",
            "NoSuchBucket",
        ] {
            assert_eq!(refused(400, code), Kind::Internal, "{code}");
        }
        for (status, code) in [
            (400, "ProvisionedThroughputExceededException"),
            (400, "ThrottlingException"),
            (429, "Anything"),
            (500, "InternalServerError"),
            (503, "ServiceUnavailable"),
        ] {
            assert_eq!(refused(status, code), Kind::Unavailable, "{code}");
        }
        let late: SdkError<GetItemError, HttpResponse> = SdkError::timeout_error("late");
        assert_eq!(failure(&late).kind, Kind::Unavailable);
        let unbuilt: SdkError<GetItemError, HttpResponse> = SdkError::construction_failure("no");
        assert_eq!(failure(&unbuilt).kind, Kind::Internal);
    }
}
