//! What each function needs: the one place that says what it may do.
//!
//! Every write to the table is one of a transaction, for which IAM asks the rights of the single writes
//! (`dynamodb:ConditionCheckItem` for a check). Every function reads one item when it starts.

/// What makes a function run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Requests to the API.
    Http,
    /// An object that arrived in the bucket.
    Upload,
    /// The scheduler.
    Schedule,
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
    /// Actions on the bucket, each with the beginning of the objects' names; those of one beginning stand together. The
    /// right to list the bucket itself is what makes S3 answer 404 and not 403 for an object that is not there.
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
const BUCKET: &str = "";

/// All functions, in the order of the template.
pub const NEEDS: &[Needs] = &[
    Needs {
        function: "rhmap-sign-in",
        does: "Signs in members and apps' users",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[],
        kms: &[],
        before_sign_in: true,
        prints_addresses: true,
        memory: 512,
        mails: true,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-app-sign-in",
        does: "Signs in apps' users by auth policies",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[],
        kms: &["kms:Decrypt"],
        before_sign_in: true,
        prints_addresses: true,
        memory: 512,
        mails: false,
        knows_providers: true,
    },
    Needs {
        function: "rhmap-api-keys",
        does: "API keys of users and apps",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        s3: &[],
        kms: &["kms:Decrypt"],
        before_sign_in: false,
        prints_addresses: false,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-app-store",
        does: "The store front",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        s3: &[("s3:PutObject", INCOMING)],
        kms: &[],
        before_sign_in: false,
        prints_addresses: true,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-store-items",
        does: "Store items, their binaries and uploads",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        // The reading is that of an object's size, to see whether an upload in parts was put together before.
        s3: &[
            ("s3:PutObject", INCOMING),
            ("s3:GetObject", INCOMING),
            ("s3:DeleteObject", INCOMING),
            ("s3:AbortMultipartUpload", INCOMING),
            ("s3:ListBucket", BUCKET),
        ],
        kms: &[],
        before_sign_in: false,
        prints_addresses: true,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-store-groups",
        does: "Groups of store items and users",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: false,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-audit-log",
        does: "The log of downloads and installs",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: false,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-store-client",
        does: "What the store's client on a device asks, and install links",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT],
        s3: &[("s3:GetObject", BINARIES)],
        kms: &["kms:Decrypt"],
        before_sign_in: true,
        prints_addresses: true,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-auth-policies",
        does: "Auth policies",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE],
        s3: &[],
        kms: &["kms:Decrypt"],
        before_sign_in: false,
        prints_addresses: false,
        memory: 256,
        mails: false,
        knows_providers: true,
    },
    Needs {
        function: "rhmap-devices",
        does: "Devices of apps' users",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: false,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-roles",
        does: "Roles",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: false,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-teams",
        does: "Teams",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: false,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "rhmap-users",
        does: "Users and their import",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: true,
        memory: 1024,
        mails: true,
        knows_providers: false,
    },
    Needs {
        function: "wso2-oauth",
        does: "Clients of the publisher API and their tokens",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[],
        kms: &[],
        before_sign_in: true,
        prints_addresses: true,
        memory: 512,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "wso2-apps",
        does: "Apps of the publisher API",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: true,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "wso2-documents",
        does: "Documents of web apps",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: true,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "wso2-files",
        does: "Files of the publisher API",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE, CHECK],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: true,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "wso2-policies",
        does: "Policy partials and decisions",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: false,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "wso2-reference",
        does: "Business owners, roles, tiers and statistics",
        trigger: Trigger::Http,
        dynamodb: &[GET, BATCH_GET, QUERY, PUT, DELETE],
        s3: &[],
        kms: &[],
        before_sign_in: false,
        prints_addresses: true,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "upload-received",
        does: "Reads what was uploaded, and attaches or refuses it",
        trigger: Trigger::Upload,
        dynamodb: &[GET, BATCH_GET, PUT, UPDATE, DELETE, CHECK],
        s3: &[("s3:GetObject", INCOMING), ("s3:DeleteObject", INCOMING), ("s3:GetObject", BINARIES), ("s3:PutObject", BINARIES), ("s3:ListBucket", BUCKET)],
        kms: &[],
        before_sign_in: false,
        prints_addresses: false,
        memory: 1024,
        mails: false,
        knows_providers: false,
    },
    Needs {
        function: "housekeeping",
        does: "Removes what nothing points at any more, and ends uploads that never came",
        trigger: Trigger::Schedule,
        dynamodb: &[GET, QUERY, PUT, UPDATE, DELETE],
        s3: &[("s3:DeleteObject", INCOMING), ("s3:AbortMultipartUpload", INCOMING), ("s3:DeleteObject", BINARIES)],
        kms: &[],
        before_sign_in: false,
        prints_addresses: false,
        memory: 256,
        mails: false,
        knows_providers: false,
    },
];
