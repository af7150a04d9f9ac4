//! The stable codes of errors: programs match on them, so no text of one ever changes.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($variant:ident = $text:literal: $meaning:literal;)+) => {
        /// What a program can tell an error by, beside its kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(
                #[doc = $meaning]
                #[serde(rename = $text)]
                $variant,
            )+
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as it is sent.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// One sentence that says what the code means, without its full stop: what people read
            /// where the error says nothing more exact.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

codes! {
    InvalidJson = "invalid_json": "The body is not a JSON object";
    InvalidMultipart = "invalid_multipart": "The body is not a well-formed multipart form";
    InvalidParams = "invalid_params": "The parameters of the call are not a JSON object";
    InvalidRequest = "invalid_request": "The request is not what the standard says";
    InvalidClient = "invalid_client": "The client is not known or its secret is wrong";
    InvalidGrant = "invalid_grant": "The grant is not valid";
    InvalidScope = "invalid_scope": "The scope is not one that can be given";
    UnauthorizedClient = "unauthorized_client": "The client may not use this grant";
    UnsupportedGrantType = "unsupported_grant_type":
        "The grant types are password, client_credentials and refresh_token";
    InvalidGuid = "invalid_guid": "The guid is malformed, or it names nothing of this domain";
    InvalidField = "invalid_field":
        "A field that has no code of its own is missing or is not what it must be";
    AuthRequired = "auth_required": "The operation needs a signed-in user";
    UserInvalidEmail = "user_invalid_email": "The mail address is malformed";
    UserPurgeData = "user_purge_data":
        "The user is blacklisted: the app must remove the user's data";
    UserDisabled = "user_disabled": "The user is disabled";
    UserNotFound = "user_not_found":
        "The policy admits users of the platform only, and this is none";
    UserNotApproved = "user_not_approved":
        "The policy admits listed users only, and this user is not listed";
    DevicePurgeData = "device_purge_data":
        "The device is blacklisted: the app must remove its data";
    DeviceDisabled = "device_disabled": "The device is disabled";
    UnknownPolicyId = "unknown_policyId": "There is no policy with this id";
    NotAnArchive = "not_an_archive": "The file is not an archive";
    NotAnApp = "not_an_app": "The file holds no app";
    TooLarge = "too_large": "More than the limit allows";
    TooDeep = "too_deep": "A document in the file nests too deep";
    TooManyEntries = "too_many_entries": "The file has too many entries";
    Ambiguous = "ambiguous": "The file can be read in two ways";
    Truncated = "truncated": "The file is not whole";
    WrongType = "wrong_type": "The file is an app of another platform";
    WrongIdentifier = "wrong_identifier": "The file is another app than the item's binary";
    WrongSigner = "wrong_signer": "The file is signed by another certificate than the live version";
    Unreadable = "unreadable": "The file cannot be read";
    WrongPassword = "wrong_password": "The password does not open the file";
    WrongProfile = "wrong_profile": "The provisioning profile is for another app or certificate";
    UnsupportedKey = "unsupported_key": "Apps cannot be signed with this key";
    Expired = "expired": "What the request relies on has expired";
    Aborted = "aborted": "The upload was given up";
    InvalidState = "invalid_state": "The sign-in does not wait any more, or was not begun here";
    AccessDenied = "access_denied": "The identity provider refused the sign-in";
    ProviderUnavailable = "provider_unavailable": "The identity provider does not answer";
    ProviderMisconfigured = "provider_misconfigured":
        "The policy is not set up right with its identity provider";
    TemporarilyUnavailable = "temporarily_unavailable":
        "The service is temporarily unavailable, please try again";
    InternalError = "internal_error": "The service has a defect, please tell an administrator";
    ServerError = "server_error": "The server encountered an internal error";
    InvalidActivated = "invalid_activated": "It is true or false";
    InvalidAdminEmail = "invalid_adminEmail":
        "The administrator's mail address (adminEmail) must have an @ and no blank in it";
    InvalidAlertName = "invalid_alertName": "A name has at least one character, all on one line";
    InvalidAllowSignerChange = "invalid_allowSignerChange": "It is true or false";
    InvalidAppGuid = "invalid_appGuid": "The field appGuid is missing or is not what it must be";
    InvalidAudit = "invalid_audit": "It is true or false";
    InvalidAuthpolicies = "invalid_authpolicies": "The list of policies is not one of guids";
    InvalidAuthToken = "invalid_authToken":
        "The field authToken is missing or is not what it must be";
    InvalidBlacklisted = "invalid_blacklisted": "It is true or false";
    InvalidBusinessObjects = "invalid_business-objects":
        "The field business-objects is missing or is not what it must be";
    InvalidCacheKey = "invalid_cacheKey":
        "There is no import with this cacheKey, or its log has expired";
    InvalidCacheKeys = "invalid_cacheKeys":
        "The field cacheKeys is missing or is not what it must be";
    InvalidCategory = "invalid_category": "The field category is missing or is not what it must be";
    InvalidCheckUserApproved = "invalid_checkUserApproved": "It is true or false";
    InvalidCheckUserExists = "invalid_checkUserExists": "It is true or false";
    InvalidClientToken = "invalid_clientToken":
        "The field clientToken is not what it must be: it has at most 200 characters";
    InvalidConfig = "invalid_config": "A configuration has few entries, and each is a short text";
    InvalidConfigurations = "invalid_configurations": "The configurations are missing or malformed";
    InvalidCuid = "invalid_cuid": "The device has no such id";
    InvalidCursor = "invalid_cursor": "The cursor is not one that a list gave";
    InvalidDefault = "invalid_default": "It is https or appapikey";
    InvalidDescription = "invalid_description":
        "The field description is missing or is not what it must be";
    InvalidDevice = "invalid_device":
        "The field device must name the device, in at most 200 characters";
    InvalidDisabled = "invalid_disabled": "It is true or false";
    InvalidDomain = "invalid_domain":
        "The request names another domain than the one that its host belongs to";
    InvalidDownload = "invalid_download": "It is true or false";
    InvalidEmail = "invalid_email": "The field email is missing or is not what it must be";
    InvalidEmails = "invalid_emails": "A list of mail addresses is needed";
    InvalidEnabled = "invalid_enabled": "It is true or false";
    InvalidEndpoint = "invalid_endpoint": "The field endpoint is missing or is not what it must be";
    InvalidEndRedirectUrl = "invalid_endRedirectUrl":
        "It must be an absolute URL that the policy allows";
    InvalidEnforce = "invalid_enforce": "It is true or false";
    InvalidEnv = "invalid_env": "The environment is missing or malformed";
    InvalidEnvironment = "invalid_environment": "The environment is missing or malformed";
    InvalidEvent = "invalid_event": "The field event is missing or is not what it must be";
    InvalidEventCategories = "invalid_eventCategories":
        "The field eventCategories is missing or is not what it must be";
    InvalidEventDetails = "invalid_eventDetails":
        "The field eventDetails is missing or is not what it must be";
    InvalidEventGroup = "invalid_eventGroup": "It is NOTIFICATION or AUDIT";
    InvalidEventNames = "invalid_eventNames":
        "The field eventNames is missing or is not what it must be";
    InvalidEventSeverities = "invalid_eventSeverities":
        "The field eventSeverities is missing or is not what it must be";
    InvalidEventType = "invalid_eventType":
        "The field eventType is missing or is not what it must be";
    InvalidFile = "invalid_file": "The form has no file";
    InvalidFileName = "invalid_fileName":
        "A file name has at most 255 characters, none of them a control character";
    InvalidForce = "invalid_force": "It is true or false";
    InvalidGroups = "invalid_groups": "The field groups is missing or is not what it must be";
    InvalidId = "invalid_id": "The field id is missing or is not what it must be";
    InvalidInvite = "invalid_invite": "It is true or false";
    InvalidKey = "invalid_key": "There is no such key";
    InvalidLimit = "invalid_limit": "It is a positive number within the limit of this list";
    InvalidMessage = "invalid_message": "The field message is missing or is not what it must be";
    InvalidName = "invalid_name":
        "The name is missing, too long or holds characters that names may not";
    InvalidOverrides = "invalid_overrides":
        "The field overrides is missing or is not what it must be";
    InvalidParts = "invalid_parts": "The field parts is missing or is not what it must be";
    InvalidPassword = "invalid_password": "The password is too short or too long";
    InvalidPerms = "invalid_perms": "The field perms is missing or is not what it must be";
    InvalidPolicyId = "invalid_policyId": "There is no policy with this id";
    InvalidPolicyType = "invalid_policyType":
        "The types are OAUTH1, OAUTH2, OPENID, LDAP, FEEDHENRY and MBAAS";
    InvalidRestrictToGroups = "invalid_restrictToGroups": "It is true or false";
    InvalidRoles = "invalid_roles": "The field roles is missing or is not what it must be";
    InvalidSecurity = "invalid_security": "It is https or appapikey";
    InvalidSessionToken = "invalid_sessionToken": "The session is not valid";
    InvalidSeverity = "invalid_severity": "The field severity is missing or is not what it must be";
    InvalidSha256 = "invalid_sha256": "A SHA-256 has 64 hexadecimal digits";
    InvalidSize = "invalid_size":
        "The field size must be the number of bytes of the file, and is missing or zero";
    InvalidStoreItemGroups = "invalid_storeItemGroups":
        "The field storeItemGroups is missing or is not what it must be";
    InvalidStoreitems = "invalid_storeitems":
        "The field storeitems is missing or is not what it must be";
    InvalidTeam = "invalid_team": "The field team is missing or is not what it must be";
    InvalidTeamIds = "invalid_teamIds": "The field teamIds is missing or is not what it must be";
    InvalidTeams = "invalid_teams": "The field teams is missing or is not what it must be";
    InvalidTimestamp = "invalid_timestamp":
        "The field timestamp is missing or is not what it must be";
    InvalidType = "invalid_type": "The field type is missing or is not what it must be";
    InvalidUid = "invalid_uid": "The field uid is missing or is not what it must be";
    InvalidUploadId = "invalid_uploadId": "There is no upload with this id";
    InvalidUserId = "invalid_userId": "The field userId is missing or is not what it must be";
    InvalidUsername = "invalid_username":
        "The user name is missing or malformed, or there is no such user";
    InvalidUsers = "invalid_users": "The field users is missing or is not what it must be";
    InvalidValidDays = "invalid_validDays": "It is a whole number of days within the limit";
    InvalidValue = "invalid_value":
        "A preference has a key of 1 to 100 characters and a value of at most 1000 characters";
    InvalidVersion = "invalid_version": "There is no such version";
}

impl Code {
    /// The code of a request's field that is missing or wrong: `invalid_` and the field's name.
    /// [`Code::InvalidField`] for a field that has no code of its own: the answer names the field
    /// all the same, as in `invalid_deviceId`.
    pub fn of_field(field: &str) -> Self {
        let own = |code: &&Self| code.as_str().strip_prefix("invalid_") == Some(field);
        Self::ALL
            .iter()
            .find(own)
            .copied()
            .unwrap_or(Self::InvalidField)
    }

    /// Whether it is one of the codes of the token endpoint (RFC 6749 5.2).
    pub const fn is_of_oauth(self) -> bool {
        matches!(
            self,
            Self::InvalidRequest
                | Self::InvalidClient
                | Self::InvalidGrant
                | Self::UnauthorizedClient
                | Self::UnsupportedGrantType
                | Self::InvalidScope
        )
    }

    /// Whether a package that was to become a version of an app is refused with it.
    pub const fn refuses_package(self) -> bool {
        matches!(
            self,
            Self::NotAnArchive
                | Self::NotAnApp
                | Self::TooLarge
                | Self::TooDeep
                | Self::TooManyEntries
                | Self::Ambiguous
                | Self::Truncated
                | Self::WrongType
                | Self::WrongIdentifier
                | Self::WrongSigner
                | Self::Unreadable
        )
    }

    /// Whether it says that the request's own parameters are wrong, and not what they lead to.
    pub const fn is_of_parameters(self) -> bool {
        !(self.refuses_package()
            || matches!(
                self,
                Self::UserInvalidEmail
                    | Self::WrongPassword
                    | Self::WrongProfile
                    | Self::UnsupportedKey
                    | Self::Expired
                    | Self::Aborted
            ))
    }

    /// The code, and a sentence that every dialect writes after it: `code: sentence`.
    pub fn with(self, sentence: impl Into<String>) -> ErrorText {
        let sentence = sentence.into();
        ErrorText {
            message: format!("{self}: {sentence}"),
            code: Some(self),
            detail: Some(sentence),
            field: None,
            is_beside: false,
        }
    }

    /// The code alone where clients compare the whole text, and a sentence beside it where people
    /// read it.
    pub fn beside(self, sentence: impl Into<String>) -> ErrorText {
        ErrorText {
            message: self.as_str().to_owned(),
            code: Some(self),
            detail: Some(sentence.into()),
            field: None,
            is_beside: true,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an error says: made of a code, of a sentence, or of both. Nothing reads the sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorText {
    /// What clients read: the code, `code: sentence`, or the sentence alone.
    pub(crate) message: String,
    /// The code.
    pub(crate) code: Option<Code>,
    /// The sentence beside or after the code.
    pub(crate) detail: Option<String>,
    /// The request's field that is meant.
    pub(crate) field: Option<String>,
    /// Whether the message is the code alone and the sentence stands beside it.
    pub(crate) is_beside: bool,
}

impl ErrorText {
    /// The code of a request's field that is wrong, and a sentence after it.
    pub fn of_field(field: &str, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self {
            message: format!("invalid_{field}: {sentence}"),
            code: Some(Code::of_field(field)),
            detail: Some(sentence),
            field: Some(field.to_owned()),
            is_beside: false,
        }
    }

    /// The code of a request's field that is wrong, alone, and a sentence beside it.
    pub fn beside_field(field: &str, sentence: impl Into<String>) -> Self {
        Self {
            message: format!("invalid_{field}"),
            code: Some(Code::of_field(field)),
            detail: Some(sentence.into()),
            field: Some(field.to_owned()),
            is_beside: true,
        }
    }

    /// A sentence that begins with the field that it is about. `rest` begins with a blank or a
    /// colon.
    pub fn about(field: &str, rest: impl Into<String>) -> Self {
        let rest = rest.into();
        Self {
            message: format!("{field}{rest}"),
            code: None,
            detail: Some(rest),
            field: Some(field.to_owned()),
            is_beside: false,
        }
    }

    /// Says which field of the request is meant.
    #[must_use]
    pub fn in_field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }
}

impl From<Code> for ErrorText {
    fn from(code: Code) -> Self {
        code.beside(code.meaning())
    }
}

impl From<String> for ErrorText {
    fn from(message: String) -> Self {
        Self {
            message,
            code: None,
            detail: None,
            field: None,
            is_beside: false,
        }
    }
}

impl From<&str> for ErrorText {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl From<Refusal> for ErrorText {
    fn from(refusal: Refusal) -> Self {
        refusal.code.with(refusal.sentence)
    }
}

/// Why a package, picture or document is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For whoever sent it.
    pub sentence: String,
}

impl Refusal {
    /// A refusal with that code and that sentence.
    pub fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self {
            code,
            sentence: sentence.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.sentence)
    }
}
