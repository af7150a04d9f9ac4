//! What each function needs: the one place that says what it may do.
//!
//! Every write to the table is one of a transaction, for which IAM asks the rights of the single
//! writes (`dynamodb:ConditionCheckItem` for a check). Every function reads one item when it
//! starts.

/// What makes a function run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Requests to the API.
    Http,
    /// An object that arrived in the bucket.
    Upload,
    /// The scheduler.
    Schedule,
    /// A job in the table, told by its stream.
    Work,
    /// The scheduler, every minute.
    Minute,
    /// Events of apps on the account's event bus.
    Bus,
}

/// What a function needs.
#[derive(Debug)]
pub struct Needs {
    /// Its name, which is also that of its crate and its binary.
    pub function: &'static str,
    /// What it does, for people who look at it on AWS.
    pub does: &'static str,
    /// What makes it run.
    pub trigger: Trigger,
    /// Actions on the table.
    pub dynamodb: &'static [&'static str],
    /// Actions on the bucket, each with the beginning of the objects' names; those of one beginning
    /// stand together. The right to list the bucket itself is what makes S3 answer 404 and not 403
    /// for an object that is not there.
    pub s3: &'static [(&'static str, &'static str)],
    /// Actions on the key.
    pub kms: &'static [&'static str],
    /// Whether it finds the tenant of a request that has no credential.
    pub before_sign_in: bool,
    /// Whether it tells clients where this deployment is reached.
    pub prints_addresses: bool,
    /// Its memory in MB, which is also its share of a processor: what hashes passwords gets more.
    pub memory: u32,
    /// Whether it sends mail.
    pub mails: bool,
    /// Whether it judges or reaches the providers that auth policies name.
    pub knows_providers: bool,
    /// Whether it makes or changes what the publisher API's catalogue holds: its creates and
    /// conditions have parameters.
    pub publishes: bool,
    /// Whether it takes signed messages, which a parameter makes it take once only.
    pub takes_messages: bool,
}

const GET: &str = "dynamodb:GetItem";

const BATCH_GET: &str = "dynamodb:BatchGetItem";

const QUERY: &str = "dynamodb:Query";

const PUT: &str = "dynamodb:PutItem";

const UPDATE: &str = "dynamodb:UpdateItem";

const DELETE: &str = "dynamodb:DeleteItem";

const CHECK: &str = "dynamodb:ConditionCheckItem";

const INCOMING: &str = shared::store::keys::INCOMING;

const BINARIES: &str = "binaries/";

const STATIC: &str = shared::store::keys::STATIC;

const BUCKET: &str = "";

/// What most functions need, from which a row of the table differs only where it says so: requests
/// make it run, and it has the table, 256 MB of memory and nothing else.
const USUAL: Needs = Needs {
    function: "",
    does: "",
    trigger: Trigger::Http,
    dynamodb: &[],
    s3: &[],
    kms: &[],
    before_sign_in: false,
    prints_addresses: false,
    memory: 256,
    mails: false,
    knows_providers: false,
    publishes: false,
    takes_messages: false,
};

/// All functions, in the order of the template. Each says its name, what it does, what it may do
/// with the table, and what differs from [`USUAL`].
pub const NEEDS: &[Needs] = &[
    Needs {
        function: "rhmap-sign-in",
        does: "Signs in members and apps' users",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        before_sign_in: true,
        prints_addresses: true,
        memory: 512,
        mails: true,
        ..USUAL
    },
    Needs {
        function: "rhmap-app-sign-in",
        does: "Signs in apps' users by auth policies",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        kms: &["kms:Decrypt"],
        before_sign_in: true,
        prints_addresses: true,
        memory: 512,
        knows_providers: true,
        ..USUAL
    },
    Needs {
        function: "rhmap-api-keys",
        does: "API keys of users and apps",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        kms: &["kms:Decrypt"],
        ..USUAL
    },
    Needs {
        function: "rhmap-app-store",
        does: "The store front",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        s3: &[("s3:PutObject", INCOMING)],
        prints_addresses: true,
        ..USUAL
    },
    Needs {
        function: "rhmap-store-items",
        does: "Store items, their binaries and uploads",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        // The reading is that of an object's size, to see whether an upload in parts was put
        // together before.
        s3: &[
            ("s3:PutObject", INCOMING),
            ("s3:GetObject", INCOMING),
            ("s3:DeleteObject", INCOMING),
            ("s3:AbortMultipartUpload", INCOMING),
            ("s3:ListBucket", BUCKET),
        ],
        prints_addresses: true,
        ..USUAL
    },
    Needs {
        function: "rhmap-store-groups",
        does: "Groups of store items and users",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE],
        ..USUAL
    },
    Needs {
        function: "rhmap-audit-log",
        does: "The log of downloads and installs",
        dynamodb: &[GET, BATCH_GET, QUERY],
        ..USUAL
    },
    Needs {
        function: "rhmap-store-client",
        does: "What the store's client on a device asks, and install links",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT],
        s3: &[("s3:GetObject", BINARIES)],
        kms: &["kms:Decrypt"],
        before_sign_in: true,
        prints_addresses: true,
        ..USUAL
    },
    Needs {
        function: "rhmap-auth-policies",
        does: "Auth policies",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE],
        kms: &["kms:Decrypt"],
        knows_providers: true,
        ..USUAL
    },
    Needs {
        function: "rhmap-devices",
        does: "Devices of apps' users",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT],
        ..USUAL
    },
    Needs {
        function: "rhmap-alerts",
        does: "Alerts, and what was mailed because of them",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        mails: true,
        ..USUAL
    },
    Needs {
        function: "rhmap-events",
        does: "What happened to apps, and what they report",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE],
        ..USUAL
    },
    Needs {
        function: "rhmap-endpoint-security",
        does: "Which endpoints ask for an app's key, and the decision about a call",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, CHECK],
        ..USUAL
    },
    Needs {
        function: "rhmap-roles",
        does: "Roles",
        dynamodb: &[GET, BATCH_GET],
        ..USUAL
    },
    Needs {
        function: "rhmap-teams",
        does: "Teams",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE],
        ..USUAL
    },
    Needs {
        function: "rhmap-users",
        does: "Users and their import",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        prints_addresses: true,
        memory: 1024,
        mails: true,
        ..USUAL
    },
    Needs {
        function: "wso2-oauth",
        does: "Clients of the publisher API and their tokens",
        dynamodb: &[GET, BATCH_GET, PUT, UPDATE, DELETE, CHECK],
        before_sign_in: true,
        memory: 512,
        ..USUAL
    },
    Needs {
        function: "wso2-apps",
        does: "Apps of the publisher API",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        publishes: true,
        ..USUAL
    },
    Needs {
        function: "wso2-documents",
        does: "Documents of web apps",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[("s3:PutObject", INCOMING), ("s3:GetObject", STATIC)],
        publishes: true,
        ..USUAL
    },
    Needs {
        function: "wso2-files",
        does: "Files of the publisher API",
        dynamodb: &[GET, BATCH_GET, PUT],
        // The reading of what arrived is that of an object's size, to see whether an upload in
        // parts was put together before.
        s3: &[
            ("s3:PutObject", INCOMING),
            ("s3:GetObject", INCOMING),
            ("s3:DeleteObject", INCOMING),
            ("s3:AbortMultipartUpload", INCOMING),
            ("s3:GetObject", BINARIES),
            ("s3:GetObject", STATIC),
            ("s3:ListBucket", BUCKET),
        ],
        kms: &["kms:Decrypt"],
        prints_addresses: true,
        publishes: true,
        ..USUAL
    },
    Needs {
        function: "wso2-policies",
        does: "Policy partials and decisions",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        publishes: true,
        ..USUAL
    },
    Needs {
        function: "wso2-reference",
        does: "Business owners, roles, tiers and statistics",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        publishes: true,
        ..USUAL
    },
    Needs {
        function: "apperian-sign-in",
        does: "Sign-in to the Apperian API",
        dynamodb: &[GET, BATCH_GET, PUT, UPDATE, DELETE, CHECK],
        before_sign_in: true,
        memory: 512,
        ..USUAL
    },
    Needs {
        function: "apperian-applications",
        does: "Apps, policies and signatures of the Apperian API",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[
            ("s3:PutObject", INCOMING),
            ("s3:GetObject", INCOMING),
            ("s3:DeleteObject", INCOMING),
            ("s3:AbortMultipartUpload", INCOMING),
            ("s3:GetObject", BINARIES),
            ("s3:ListBucket", BUCKET),
        ],
        kms: &["kms:Decrypt"],
        before_sign_in: true,
        prints_addresses: true,
        memory: 512,
        ..USUAL
    },
    Needs {
        function: "pingid-applications",
        does: "Applications of PingID policies",
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        kms: &["kms:Decrypt"],
        prints_addresses: true,
        takes_messages: true,
        ..USUAL
    },
    Needs {
        function: "upload-received",
        does: "Reads what was uploaded, and attaches or refuses it",
        trigger: Trigger::Upload,
        dynamodb: &[GET, BATCH_GET, PUT, UPDATE, DELETE],
        s3: &[
            ("s3:GetObject", INCOMING),
            ("s3:DeleteObject", INCOMING),
            ("s3:GetObject", BINARIES),
            ("s3:PutObject", BINARIES),
            ("s3:GetObject", STATIC),
            ("s3:PutObject", STATIC),
            ("s3:ListBucket", BUCKET),
        ],
        memory: 1024,
        ..USUAL
    },
    Needs {
        function: "package-work",
        does: "Applies policies to packages and signs them",
        trigger: Trigger::Work,
        dynamodb: &[GET, BATCH_GET, PUT, UPDATE, DELETE],
        s3: &[
            ("s3:GetObject", BINARIES),
            ("s3:PutObject", BINARIES),
            ("s3:ListBucket", BUCKET),
        ],
        kms: &["kms:Decrypt"],
        memory: 1024,
        ..USUAL
    },
    Needs {
        function: "housekeeping",
        does: "Removes what nothing points at any more, ends uploads that never came, and tells of \
            what expires",
        trigger: Trigger::Schedule,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[
            ("s3:DeleteObject", INCOMING),
            ("s3:AbortMultipartUpload", INCOMING),
            ("s3:DeleteObject", BINARIES),
            ("s3:DeleteObject", STATIC),
        ],
        ..USUAL
    },
    Needs {
        function: "alert-evaluation",
        does: "Holds what happened against the alerts, and mails",
        trigger: Trigger::Minute,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        mails: true,
        ..USUAL
    },
    Needs {
        function: "event-received",
        does: "Takes events of apps from the account's event bus",
        trigger: Trigger::Bus,
        dynamodb: &[GET, BATCH_GET, PUT, UPDATE],
        ..USUAL
    },
];
