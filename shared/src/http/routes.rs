//! The route table: every path of every dialect stands here, once (`docs/sources.md` says what the
//! sections such as `003 2.15` cite, `docs/glossary.md` what the words mean).
//!
//! It drives dispatch, the local gateway, `template.yaml`, the operation table in the docs, and the
//! tests that walk over every route.

use http::Method;

use crate::base::rights::{Permission, Right, Scope};
use crate::http::dialect::Dialect;
use crate::http::dialect::apperian::Apperian;
use crate::http::dialect::apperian_calls::ApperianCalls;
use crate::http::dialect::oauth::OAuth;
use crate::http::dialect::pingid::PingId;
use crate::http::dialect::rhmap::Rhmap;
use crate::http::dialect::rhmap::mbaas::RhmapMbaas;
use crate::http::dialect::rhmap::sdk::RhmapSdk;
use crate::http::dialect::rhmap::team_members::RhmapTeamMembers;
use crate::http::dialect::rhmap::teams::RhmapTeams;
use crate::http::dialect::wso2::Wso2;
use crate::http::path::Path;

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The function that serves it.
    pub function: &'static str,
    /// The operation's name, as in the function's `Op`.
    pub operation: &'static str,
    /// The dialect that it speaks.
    pub dialect: &'static dyn Dialect,
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// What it asks of its caller.
    pub permission: Permission,
    /// The section of the document, or `own: …` for what no document has.
    pub section: &'static str,
}

/// A function: its name, where the API sends requests to it, and its rows with the operation of
/// each.
pub struct Function<Op: 'static> {
    /// The function's name in the template.
    pub name: &'static str,
    /// The API's routes that lead to it, in API Gateway's form.
    pub prefixes: &'static [&'static str],
    /// Its rows.
    pub rows: fn() -> Vec<(Route, Op)>,
}

/// What the template and the tests know of a function.
pub struct Summary {
    /// The function's name in the template.
    pub name: &'static str,
    /// The API's routes that lead to it, in API Gateway's form.
    pub prefixes: &'static [&'static str],
    /// Its rows.
    pub rows: Vec<Route>,
}

/// Where the publisher API (001) begins.
pub const PUBLISHER: &str = "/api/appm/publisher/v1.1";

/// Where PingID's API (002) begins.
pub const PINGID: &str = "/pingid";

/// Where the older calls of the Apperian API are sent, which name their method in the body.
pub const APPERIAN_CALLS: &str = "/ease.interface.php";

const ANY: Permission = Permission::Open;

const MEMBER: Permission = Permission::Member;

const STORE_USER: Permission = Permission::StoreUser;

const READ_STORE: Permission = Permission::Holds(Right::ReadStore);

const WRITE_STORE: Permission = Permission::Holds(Right::WriteStore);

const READ_ITEMS: Permission = Permission::Holds(Right::ReadStoreItems);

const WRITE_ITEMS: Permission = Permission::Holds(Right::WriteStoreItems);

const READ_GROUPS: Permission = Permission::Holds(Right::ReadGroups);

const WRITE_GROUPS: Permission = Permission::Holds(Right::WriteGroups);

const READ_LOG: Permission = Permission::Holds(Right::ReadAuditLog);

const READ_DEVICES: Permission = Permission::Holds(Right::ReadDevices);

const WRITE_DEVICES: Permission = Permission::Holds(Right::WriteDevices);

const READ_POLICIES: Permission = Permission::Holds(Right::ReadPolicies);

const WRITE_POLICIES: Permission = Permission::Holds(Right::WritePolicies);

const READ_TEAMS: Permission = Permission::Holds(Right::ReadTeams);

const WRITE_TEAMS: Permission = Permission::Holds(Right::WriteTeams);

const READ_USERS: Permission = Permission::Holds(Right::ReadUsers);

const WRITE_USERS: Permission = Permission::Holds(Right::WriteUsers);

const DELETE_USERS: Permission = Permission::Holds(Right::DeleteUsers);

const READ: Permission = Permission::Scope(Scope::Read);

const CREATE: Permission = Permission::Scope(Scope::Create);

const UPDATE: Permission = Permission::Scope(Scope::Update);

const PUBLISH: Permission = Permission::Scope(Scope::Publish);

const ADMINISTER: Permission = Permission::Scope(Scope::Administration);

const SUBSCRIBE: Permission = Permission::Scope(Scope::Subscribe);

const SIGNED: Permission = Permission::Signed;

const APP_OR_READ_ITEMS: Permission = Permission::AppOr(Right::ReadStoreItems);

const APP_OR_WRITE_ITEMS: Permission = Permission::AppOr(Right::WriteStoreItems);

macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $module:ident $name:literal [$($prefix:literal),+ $(,)?] {
            $($op:ident $($dialect:ident $method:ident $path:literal $permission:ident $section:literal),+;)+
        }
    )+) => {
        $(
            $(#[$doc])*
            pub mod $module {
                use super::*;

                /// The operations of this function.
                #[derive(Clone, Copy, Debug, PartialEq, Eq)]
                #[allow(missing_docs, reason = "the rows cite the section of each")]
                pub enum Op { $($op),+ }

                impl Op {
                    /// The path of this operation, the first where it has several; `names` are
                    /// its parameters. For constants: see [`Path`].
                    pub const fn path<const N: usize>(self, names: [&str; N]) -> Path<N> {
                        let paths: &[&'static str] = match self {
                            $(Self::$op => &[$($path),+]),+
                        };
                        Path::new(paths[0], names)
                    }
                }

                fn rows() -> Vec<(Route, Op)> {
                    vec![$($((Route {
                        function: $name,
                        operation: stringify!($op),
                        dialect: &$dialect,
                        method: Method::$method,
                        path: $path,
                        permission: $permission,
                        section: $section,
                    }, Op::$op)),+),+]
                }

                /// This function's part of the table.
                pub const FUNCTION: Function<Op> = Function { name: $name, prefixes: &[$($prefix),+], rows };
            }
        )+

        /// Every function that answers HTTP, in the order of the table.
        pub fn all() -> Vec<Summary> {
            vec![$(Summary {
                name: $name,
                prefixes: $module::FUNCTION.prefixes,
                rows: ($module::FUNCTION.rows)().into_iter().map(|(row, _)| row).collect(),
            }),+]
        }
    };
}

functions! {
    /// Sign-in of members, the passwords that they sign in with, and what their clients ask on the
    /// way (`tst/version`, `user/read`).
    rhmap_sign_in "rhmap-sign-in" [
        "/health",
        "/box/srv/1.1/tst/{proxy+}",
        "/box/srv/1.1/act/{proxy+}",
        "/box/srv/1.1/ide/{domain}/user/{proxy+}",
    ] {
        Health Rhmap GET "/health" ANY "own: health";
        Version Rhmap GET "/box/srv/1.1/tst/version" ANY "own: fhc target";
        Login Rhmap POST "/box/srv/1.1/act/sys/auth/login" ANY "own: fhc login";
        Logout Rhmap POST "/box/srv/1.1/act/sys/auth/logout" MEMBER "own: fhc logout";
        ForgotPassword Rhmap POST "/box/srv/1.1/act/sys/auth/forgotpassword" ANY "own: password reset";
        PasswordPage Rhmap GET "/box/srv/1.1/act/sys/auth/setpassword" ANY "own: password reset";
        SetPassword Rhmap POST "/box/srv/1.1/act/sys/auth/setpassword" ANY "own: password reset";
        ReadUser
            Rhmap GET "/box/srv/1.1/ide/{domain}/user/read" MEMBER "own: fhc user",
            Rhmap POST "/box/srv/1.1/ide/{domain}/user/read" MEMBER "own: fhc user";
        SetProp Rhmap POST "/box/srv/1.1/ide/{domain}/user/setProp" MEMBER "own: fhc login";
        ChangePassword Rhmap POST "/box/srv/1.1/ide/{domain}/user/changepassword" MEMBER "own: password change";
    }

    /// `$fh.auth`: sign-in of apps' users by policies, the browser's return from a provider, and
    /// what is asked about sessions.
    rhmap_app_sign_in "rhmap-app-sign-in" [
        "/box/srv/1.1/admin/authpolicy/auth",
        "/box/srv/1.1/admin/authpolicy/verifysession",
        "/box/srv/1.1/admin/authpolicy/sessioninfo",
        "/box/srv/1.1/admin/authpolicy/revokesession",
        "/box/srv/1.1/arm/{proxy+}",
    ] {
        Auth RhmapSdk POST "/box/srv/1.1/admin/authpolicy/auth" ANY "own: $fh.auth";
        VerifySession RhmapSdk POST "/box/srv/1.1/admin/authpolicy/verifysession" ANY "own: $fh.auth";
        SessionInfo RhmapSdk POST "/box/srv/1.1/admin/authpolicy/sessioninfo" ANY "own: $fh.auth";
        RevokeSession RhmapSdk POST "/box/srv/1.1/admin/authpolicy/revokesession" ANY "own: $fh.auth";
        Callback RhmapSdk GET "/box/srv/1.1/arm/authCallback" ANY "own: $fh.auth";
        CallbackUrl
            RhmapSdk POST "/box/srv/1.1/arm/getAuthCallbackUrl" ANY "own: $fh.auth",
            RhmapSdk GET "/box/srv/1.1/arm/getAuthCallbackUrl" ANY "own: $fh.auth";
    }

    /// 003 chapter 1.
    rhmap_api_keys "rhmap-api-keys" ["/box/srv/1.1/ide/{domain}/api/{proxy+}"] {
        List Rhmap POST "/box/srv/1.1/ide/{domain}/api/list" MEMBER "003 1.1";
        Create Rhmap POST "/box/srv/1.1/ide/{domain}/api/create" MEMBER "003 1.2";
        Revoke Rhmap POST "/box/srv/1.1/ide/{domain}/api/revoke" MEMBER "003 1.3";
        Delete Rhmap POST "/box/srv/1.1/ide/{domain}/api/delete" MEMBER "003 1.4";
        Update Rhmap POST "/box/srv/1.1/ide/{domain}/api/update" MEMBER "003 1.5";
        Validate Rhmap POST "/box/srv/1.1/ide/{domain}/api/validate" MEMBER "003 1.6";
    }

    /// 003 2.1 to 2.9: the store front.
    rhmap_app_store "rhmap-app-store" ["/box/srv/1.1/admin/appstore/{proxy+}"] {
        Read
            Rhmap POST "/box/srv/1.1/admin/appstore/read" READ_STORE "003 2.1",
            Rhmap GET "/box/srv/1.1/admin/appstore/read" READ_STORE "own: fhc appstore read";
        Update Rhmap POST "/box/srv/1.1/admin/appstore/update" WRITE_STORE "003 2.2";
        AddItem Rhmap POST "/box/srv/1.1/admin/appstore/additem" WRITE_STORE "003 2.3";
        RemoveItem Rhmap POST "/box/srv/1.1/admin/appstore/removeitem" WRITE_STORE "003 2.4";
        UploadIcon Rhmap POST "/box/srv/1.1/admin/appstore/uploadbinary" WRITE_STORE "003 2.5";
        ListItems
            Rhmap POST "/box/srv/1.1/admin/appstore/liststoreitems" READ_STORE "003 2.6",
            Rhmap GET "/box/srv/1.1/admin/appstore/liststoreitems" READ_STORE "own: fhc appstore listitems";
        AddPolicy Rhmap POST "/box/srv/1.1/admin/appstore/addpolicy" WRITE_STORE "003 2.7";
        RemovePolicy Rhmap POST "/box/srv/1.1/admin/appstore/removepolicy" WRITE_STORE "003 2.8";
        ListPolicies
            Rhmap POST "/box/srv/1.1/admin/appstore/listpolicies" READ_STORE "003 2.9",
            Rhmap GET "/box/srv/1.1/admin/appstore/listpolicies" READ_STORE "own: fhc appstore policy list";
    }

    /// 003 2.10 to 2.21: store items, their binaries, and uploads straight to the storage.
    rhmap_store_items "rhmap-store-items" ["/box/srv/1.1/admin/storeitem/{proxy+}"] {
        Create Rhmap POST "/box/srv/1.1/admin/storeitem/create" WRITE_ITEMS "003 2.10";
        Read
            Rhmap POST "/box/srv/1.1/admin/storeitem/read" READ_ITEMS "003 2.11",
            Rhmap GET "/box/srv/1.1/admin/storeitem/read" READ_ITEMS "own: curl";
        Update Rhmap POST "/box/srv/1.1/admin/storeitem/update" WRITE_ITEMS "003 2.12";
        Delete Rhmap POST "/box/srv/1.1/admin/storeitem/delete" WRITE_ITEMS "003 2.13";
        List
            Rhmap POST "/box/srv/1.1/admin/storeitem/list" READ_ITEMS "003 2.14",
            Rhmap GET "/box/srv/1.1/admin/storeitem/list" READ_ITEMS "own: fhc storeitems list";
        UploadBinary Rhmap POST "/box/srv/1.1/admin/storeitem/uploadbinary" WRITE_ITEMS "003 2.15";
        AddPolicy Rhmap POST "/box/srv/1.1/admin/storeitem/addpolicy" WRITE_ITEMS "003 2.16";
        RemovePolicy Rhmap POST "/box/srv/1.1/admin/storeitem/removepolicy" WRITE_ITEMS "003 2.17";
        ListPolicies Rhmap POST "/box/srv/1.1/admin/storeitem/listpolicies" READ_ITEMS "own: fhc storeitems listpolicies";
        GetBinaryConfig
            Rhmap POST "/box/srv/1.1/admin/storeitem/getbinaryconfig" READ_ITEMS "003 2.18",
            Rhmap GET "/box/srv/1.1/admin/storeitem/getbinaryconfig" READ_ITEMS "003 2.18";
        SetBinaryConfig Rhmap POST "/box/srv/1.1/admin/storeitem/setbinaryconfig" WRITE_ITEMS "003 2.19";
        AddGroups Rhmap POST "/box/srv/1.1/admin/storeitem/addgroups" WRITE_ITEMS "003 2.20";
        RemoveGroups Rhmap POST "/box/srv/1.1/admin/storeitem/removegroups" WRITE_ITEMS "003 2.21";
        GroupRestrict Rhmap POST "/box/srv/1.1/admin/storeitem/grouprestrict" WRITE_ITEMS "own: fhc storeitems grouprestrict";
        ListItemTypes
            Rhmap POST "/box/srv/1.1/admin/storeitem/listitemtypes" READ_ITEMS "own: studio",
            Rhmap GET "/box/srv/1.1/admin/storeitem/listitemtypes" READ_ITEMS "own: studio";
        PrepareUpload Rhmap POST "/box/srv/1.1/admin/storeitem/prepareupload" WRITE_ITEMS "own: direct upload";
        CompleteUpload Rhmap POST "/box/srv/1.1/admin/storeitem/completeupload" WRITE_ITEMS "own: direct upload";
        AbortUpload Rhmap POST "/box/srv/1.1/admin/storeitem/abortupload" WRITE_ITEMS "own: direct upload";
        UploadStatus Rhmap POST "/box/srv/1.1/admin/storeitem/uploadstatus" WRITE_ITEMS "own: direct upload";
        Rollback Rhmap POST "/box/srv/1.1/admin/storeitem/rollback" WRITE_ITEMS "own: rollback";
    }

    /// Groups of store items and users, which the documents use and never create.
    rhmap_store_groups "rhmap-store-groups" ["/box/srv/1.1/admin/storeitemgroup/{proxy+}"] {
        Create Rhmap POST "/box/srv/1.1/admin/storeitemgroup/create" WRITE_GROUPS "own: fhc itemgroups create";
        List
            Rhmap POST "/box/srv/1.1/admin/storeitemgroup/list" READ_GROUPS "own: fhc itemgroups list",
            Rhmap GET "/box/srv/1.1/admin/storeitemgroup/list" READ_GROUPS "own: fhc itemgroups list";
        Read Rhmap POST "/box/srv/1.1/admin/storeitemgroup/read" READ_GROUPS "own: fhc itemgroups read";
        Update Rhmap POST "/box/srv/1.1/admin/storeitemgroup/update" WRITE_GROUPS "own: fhc itemgroups update";
        Delete Rhmap POST "/box/srv/1.1/admin/storeitemgroup/delete" WRITE_GROUPS "own: fhc itemgroups delete";
        AddStoreItems Rhmap POST "/box/srv/1.1/admin/storeitemgroup/addstoreitems" WRITE_GROUPS "own: fhc itemgroups items add";
        RemoveStoreItems Rhmap POST "/box/srv/1.1/admin/storeitemgroup/removestoreitems" WRITE_GROUPS "own: fhc itemgroups items delete";
        AddUsers Rhmap POST "/box/srv/1.1/admin/storeitemgroup/addusers" WRITE_GROUPS "own: fhc itemgroups users add";
        RemoveUsers Rhmap POST "/box/srv/1.1/admin/storeitemgroup/removeusers" WRITE_GROUPS "own: fhc itemgroups users delete";
    }

    /// 003 2.22.
    rhmap_audit_log "rhmap-audit-log" ["/box/srv/1.1/admin/auditlog/{proxy+}"] {
        List
            Rhmap POST "/box/srv/1.1/admin/auditlog/listlogs" READ_LOG "003 2.22",
            Rhmap GET "/box/srv/1.1/admin/auditlog/listlogs" READ_LOG "003 2.22";
    }

    /// 003 2.23 to 2.25: what the store's client on a device asks, and the links that an installing
    /// device follows.
    rhmap_store_client "rhmap-store-client" ["/box/srv/1.1/mas/{proxy+}", "/box/srv/1.1/mam/{proxy+}"] {
        ReadStore
            Rhmap POST "/box/srv/1.1/mas/appstore/read" ANY "003 2.23",
            Rhmap GET "/box/srv/1.1/mas/appstore/read" ANY "003 2.23";
        GetStoreItems
            Rhmap POST "/box/srv/1.1/mam/appstore/getstoreitems" STORE_USER "003 2.24",
            Rhmap GET "/box/srv/1.1/mam/appstore/getstoreitems" STORE_USER "own: store client",
            Rhmap POST "/box/srv/1.1/mas/appstore/getstoreitems" STORE_USER "own: store client",
            Rhmap GET "/box/srv/1.1/mas/appstore/getstoreitems" STORE_USER "own: store client";
        Install
            Rhmap POST "/box/srv/1.1/mas/storeitem/install" STORE_USER "003 2.25",
            Rhmap GET "/box/srv/1.1/mas/storeitem/install" STORE_USER "003 2.25";
        DownloadVersion
            Rhmap POST "/box/srv/1.1/mas/storeitem/downloadvers" STORE_USER "003 2.6.4",
            Rhmap GET "/box/srv/1.1/mas/storeitem/downloadvers" STORE_USER "003 2.6.4";
        Manifest Rhmap GET "/box/srv/1.1/mas/storeitem/manifest/{ticket}" ANY "own: install link";
        Package Rhmap GET "/box/srv/1.1/mas/storeitem/package/{ticket}" ANY "own: install link";
        Icon Rhmap GET "/box/srv/1.1/mas/storeitem/icon/{ticket}" ANY "own: install link";
    }

    /// 003 chapter 3.
    rhmap_auth_policies "rhmap-auth-policies" ["/box/srv/1.1/admin/authpolicy/{proxy+}"] {
        Create Rhmap POST "/box/srv/1.1/admin/authpolicy/create" WRITE_POLICIES "003 3.1";
        Read Rhmap POST "/box/srv/1.1/admin/authpolicy/read" READ_POLICIES "003 3.2";
        Update Rhmap POST "/box/srv/1.1/admin/authpolicy/update" WRITE_POLICIES "003 3.3";
        Delete Rhmap POST "/box/srv/1.1/admin/authpolicy/delete" WRITE_POLICIES "003 3.4";
        List
            Rhmap POST "/box/srv/1.1/admin/authpolicy/list" READ_POLICIES "003 3.5",
            Rhmap GET "/box/srv/1.1/admin/authpolicy/list" READ_POLICIES "003 3.5";
        ListUsers Rhmap POST "/box/srv/1.1/admin/authpolicy/users" READ_POLICIES "003 3.6";
        AddUsers Rhmap POST "/box/srv/1.1/admin/authpolicy/addusers" WRITE_POLICIES "003 3.7";
        RemoveUsers Rhmap POST "/box/srv/1.1/admin/authpolicy/removeusers" WRITE_POLICIES "003 3.8";
    }

    /// 003 chapter 6.
    rhmap_devices "rhmap-devices" ["/box/srv/1.1/admin/device/{proxy+}"] {
        List
            Rhmap POST "/box/srv/1.1/admin/device/list" READ_DEVICES "003 6.1",
            Rhmap GET "/box/srv/1.1/admin/device/list" READ_DEVICES "own: fhc devices list";
        Read Rhmap POST "/box/srv/1.1/admin/device/read" READ_DEVICES "003 6.2";
        Update Rhmap POST "/box/srv/1.1/admin/device/update" WRITE_DEVICES "003 6.3";
        ListApps Rhmap POST "/box/srv/1.1/admin/device/listapps" READ_DEVICES "003 6.4";
        ListUsers Rhmap POST "/box/srv/1.1/admin/device/listusers" READ_DEVICES "003 6.5";
    }

    /// 003 chapter 8.
    rhmap_roles "rhmap-roles" ["/box/srv/1.1/admin/role/{proxy+}"] {
        List Rhmap POST "/box/srv/1.1/admin/role/list" MEMBER "003 8.1";
        ListAssignable Rhmap POST "/box/srv/1.1/admin/role/listAssignable" MEMBER "003 8.2";
    }

    /// 003 chapter 9.
    rhmap_teams "rhmap-teams" ["/api/v2/admin/teams", "/api/v2/admin/teams/{proxy+}", "/api/v2/admin/users/{proxy+}"] {
        List RhmapTeams GET "/api/v2/admin/teams" READ_TEAMS "003 9.2";
        ListOfUser RhmapTeams GET "/api/v2/admin/users/{user}/teams" READ_TEAMS "003 9.3";
        Read RhmapTeams GET "/api/v2/admin/teams/{team}" READ_TEAMS "003 9.4";
        Create RhmapTeams POST "/api/v2/admin/teams" WRITE_TEAMS "003 9.5";
        Delete RhmapTeamMembers DELETE "/api/v2/admin/teams/{team}" WRITE_TEAMS "003 9.6";
        AddUser RhmapTeamMembers POST "/api/v2/admin/teams/{team}/user/{user}" WRITE_TEAMS "003 9.7";
        RemoveUser RhmapTeamMembers DELETE "/api/v2/admin/teams/{team}/user/{user}" WRITE_TEAMS "003 9.8";
    }

    /// 003 chapter 10, and the import of users that fhc has.
    rhmap_users "rhmap-users" [
        "/box/srv/1.1/admin/user/{proxy+}",
        "/box/srv/1.1/ide/{domain}/user/invite",
        "/box/srv/1.1/dat/log/read",
    ] {
        Create Rhmap POST "/box/srv/1.1/admin/user/create" WRITE_USERS "003 10.2";
        Update Rhmap POST "/box/srv/1.1/admin/user/update" WRITE_USERS "003 10.3";
        Delete Rhmap POST "/box/srv/1.1/admin/user/delete" DELETE_USERS "003 10.4";
        Read Rhmap POST "/box/srv/1.1/admin/user/read" READ_USERS "003 10.5";
        List
            Rhmap POST "/box/srv/1.1/admin/user/list" READ_USERS "003 10.6",
            Rhmap GET "/box/srv/1.1/admin/user/list" READ_USERS "own: fhc users list";
        ListDevices Rhmap POST "/box/srv/1.1/admin/user/listdevices" READ_USERS "003 10.10";
        ListStoreItems Rhmap POST "/box/srv/1.1/admin/user/liststoreitems" READ_USERS "003 10.11";
        Import Rhmap POST "/box/srv/1.1/admin/user/import" WRITE_USERS "own: fhc users import";
        ReadImportLog Rhmap GET "/box/srv/1.1/dat/log/read" WRITE_USERS "own: fhc users import";
        Invite Rhmap POST "/box/srv/1.1/ide/{domain}/user/invite" WRITE_USERS "own: studio";
    }

    /// 003 chapter 4: alerts, and what was mailed because of them. The paths of `/api/v2` are those
    /// that fhc sends.
    rhmap_alerts "rhmap-alerts" ["/box/srv/1.1/cm/{proxy+}", "/api/v2/mbaas/{proxy+}"] {
        List
            Rhmap POST "/box/srv/1.1/cm/eventlog/alert/list" READ_ITEMS "003 4.1",
            Rhmap GET "/box/srv/1.1/cm/eventlog/alert/list" READ_ITEMS "own: millicore client",
            RhmapMbaas GET "/api/v2/mbaas/{domain}/{env}/apps/{app}/alerts" READ_ITEMS "own: fhc eventalert list";
        Create
            Rhmap POST "/box/srv/1.1/cm/eventlog/alert/create" WRITE_ITEMS "003 4.2",
            RhmapMbaas POST "/api/v2/mbaas/{domain}/{env}/apps/{app}/alerts" WRITE_ITEMS "own: fhc eventalert create";
        Read
            Rhmap POST "/box/srv/1.1/cm/eventlog/alert/read" READ_ITEMS "own: studio",
            RhmapMbaas GET "/api/v2/mbaas/{domain}/{env}/apps/{app}/alerts/{alert}" READ_ITEMS "own: fhc eventalert read";
        Update
            Rhmap POST "/box/srv/1.1/cm/eventlog/alert/update" WRITE_ITEMS "003 4.3",
            RhmapMbaas PUT "/api/v2/mbaas/{domain}/{env}/apps/{app}/alerts/{alert}" WRITE_ITEMS "own: fhc eventalert update";
        Delete
            Rhmap POST "/box/srv/1.1/cm/eventlog/alert/delete" WRITE_ITEMS "003 4.4",
            RhmapMbaas DELETE "/api/v2/mbaas/{domain}/{env}/apps/{app}/alerts/{alert}" WRITE_ITEMS "own: fhc eventalert delete";
        Clone Rhmap POST "/box/srv/1.1/cm/eventlog/alert/clone" WRITE_ITEMS "own: studio";
        TestEmails Rhmap POST "/box/srv/1.1/cm/eventlog/alert/testEmails" WRITE_ITEMS "own: studio";
        ListOptions
            Rhmap POST "/box/srv/1.1/cm/eventlog/alert/listOptions" READ_ITEMS "own: studio",
            Rhmap GET "/box/srv/1.1/cm/eventlog/alert/listOptions" READ_ITEMS "own: studio";
        ListNotifications
            Rhmap POST "/box/srv/1.1/cm/eventlog/alert/listAudit" READ_ITEMS "003 4.5",
            Rhmap POST "/box/srv/1.1/cm/eventlog/alert/listAudits" READ_ITEMS "own: studio",
            Rhmap POST "/box/srv/1.1/cm/eventlog/alert/listaudits" READ_ITEMS "own: millicore client",
            Rhmap GET "/box/srv/1.1/cm/eventlog/alert/listAudit" READ_ITEMS "own: curl",
            Rhmap GET "/box/srv/1.1/cm/eventlog/alert/listAudits" READ_ITEMS "own: curl",
            Rhmap GET "/box/srv/1.1/cm/eventlog/alert/listaudits" READ_ITEMS "own: millicore client";
    }

    /// 003 chapter 5: what happened to apps, and what they and their hosts report themselves.
    rhmap_events "rhmap-events" ["/box/srv/1.1/app/eventlog/{proxy+}"] {
        List
            Rhmap POST "/box/srv/1.1/app/eventlog/listEvents" READ_ITEMS "003 5.1",
            Rhmap GET "/box/srv/1.1/app/eventlog/listEvents" READ_ITEMS "own: curl";
        Report Rhmap POST "/box/srv/1.1/app/eventlog/create" APP_OR_WRITE_ITEMS "own: events from outside";
    }

    /// 003 chapter 7: which endpoints of an app ask for its key, who changed that, and the decision
    /// about a call.
    rhmap_endpoint_security "rhmap-endpoint-security" ["/box/srv/1.1/app/endpointsecurity/{proxy+}"] {
        Get Rhmap POST "/box/srv/1.1/app/endpointsecurity/get" READ_ITEMS "003 7.1";
        Set Rhmap POST "/box/srv/1.1/app/endpointsecurity/set" WRITE_ITEMS "003 7.2";
        SetOverride Rhmap POST "/box/srv/1.1/app/endpointsecurity/setOverride" WRITE_ITEMS "003 7.3";
        RemoveOverride Rhmap POST "/box/srv/1.1/app/endpointsecurity/removeOverride" WRITE_ITEMS "003 7.4";
        SetDefault Rhmap POST "/box/srv/1.1/app/endpointsecurity/setDefault" WRITE_ITEMS "003 7.5";
        ListChanges Rhmap POST "/box/srv/1.1/app/endpointsecurity/auditLog" READ_ITEMS "003 7.6";
        Decide
            Rhmap POST "/box/srv/1.1/app/endpointsecurity/decide" APP_OR_READ_ITEMS "own: runtime decision",
            Rhmap GET "/box/srv/1.1/app/endpointsecurity/decide" APP_OR_READ_ITEMS "own: runtime decision";
    }

    /// Clients of the publisher API and their tokens.
    wso2_oauth "wso2-oauth" ["/api/appm/oauth/{proxy+}", "/oauth2/{proxy+}"] {
        Register Wso2 POST "/api/appm/oauth/v1.0/register" ANY "own: client registration";
        Token OAuth POST "/oauth2/token" ANY "own: OAuth 2.0";
        Revoke OAuth POST "/oauth2/revoke" ANY "own: OAuth 2.0";
    }

    /// 001: apps, their versions, life cycle, tags and subscriptions.
    wso2_apps "wso2-apps" ["/api/appm/publisher/v1.1/apps/{appType}", "/api/appm/publisher/v1.1/apps/{appType}/{proxy+}"] {
        List Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}" READ "001 3";
        Create Wso2 POST "/api/appm/publisher/v1.1/apps/{appType}" CREATE "001 10";
        ChangeLifeCycle Wso2 POST "/api/appm/publisher/v1.1/apps/{appType}/change-lifecycle" PUBLISH "001 2";
        ValidateContext Wso2 POST "/api/appm/publisher/v1.1/apps/{appType}/validate-context" CREATE "001a 13";
        ListTags Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/tags" READ "001a 15";
        Read Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}" READ "001 7";
        Update Wso2 PUT "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}" UPDATE "001 8";
        Delete Wso2 DELETE "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}" CREATE "001 5";
        NewVersion Wso2 POST "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/create-new-version" CREATE "001 4";
        ReadLifeCycle Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/lifecycle" READ "001a 4";
        ReadHistory Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/lifecycle-history" READ "001a 5";
        ReadTags Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/tags" READ "001a 1";
        AddTags Wso2 PUT "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/tags" CREATE "001a 2";
        RemoveTags Wso2 DELETE "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/tags" CREATE "001a 3";
        ListSubscriptions Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/subscriptions" READ "001 9";
        Subscribe Wso2 POST "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/subscriptions" SUBSCRIBE "own: subscribe";
        Unsubscribe Wso2 DELETE "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/subscriptions" SUBSCRIBE "own: subscribe";
    }

    /// 001: documents of web apps.
    wso2_documents "wso2-documents" ["/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs", "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs/{proxy+}"] {
        List Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs" READ "001a 9";
        Create Wso2 POST "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs" CREATE "001a 10";
        Read Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs/{documentId}" READ "001a 11";
        Update Wso2 PUT "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs/{documentId}" CREATE "001a 12";
        Delete Wso2 DELETE "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs/{documentId}" CREATE "001 6";
        ReadContent Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs/{documentId}/content" READ "001a 7";
        WriteContent Wso2 POST "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs/{documentId}/content" CREATE "001a 8";
    }

    /// 001: packages, pictures and documents that are uploaded on their own, and the manifests of
    /// iOS apps.
    wso2_files "wso2-files" ["/api/appm/publisher/v1.1/apps/mobile/{proxy+}", "/api/appm/publisher/v1.1/apps/static-contents", "/api/appm/publisher/v1.1/apps/static-contents/{proxy+}"] {
        UploadBinary Wso2 POST "/api/appm/publisher/v1.1/apps/mobile/binaries" CREATE "001a 16";
        ReadBinary Wso2 GET "/api/appm/publisher/v1.1/apps/mobile/binaries/{fileName}" CREATE "001a 17";
        ReadPlist Wso2 GET "/api/appm/publisher/v1.1/apps/mobile/getplist/tenant/{tenantId}/file/{fileName}" READ "001 11";
        LinkPlist Wso2 GET "/api/appm/publisher/v1.1/apps/mobile/getplist/tenant/{tenantId}/file/{fileName}/link" READ "own: install link";
        UploadStatic Wso2 POST "/api/appm/publisher/v1.1/apps/static-contents" CREATE "001 13";
        ReadStatic Wso2 GET "/api/appm/publisher/v1.1/apps/static-contents/{fileName}" READ "001 12";
        PrepareUpload Wso2 POST "/api/appm/publisher/v1.1/apps/mobile/uploads" CREATE "own: direct upload";
        CompleteUpload Wso2 POST "/api/appm/publisher/v1.1/apps/mobile/uploads/{uploadId}/complete" CREATE "own: direct upload";
        AbortUpload Wso2 DELETE "/api/appm/publisher/v1.1/apps/mobile/uploads/{uploadId}" CREATE "own: direct upload";
        UploadStatus Wso2 GET "/api/appm/publisher/v1.1/apps/mobile/uploads/{uploadId}" CREATE "own: direct upload";
    }

    /// 001: policy partials, the apps that they are mapped to, and decisions by them.
    wso2_policies "wso2-policies" [
        "/api/appm/publisher/v1.1/xacmlpolicies",
        "/api/appm/publisher/v1.1/xacmlpolicies/{proxy+}",
        "/api/appm/publisher/v1.1/administration/xacmlpolicies",
        "/api/appm/publisher/v1.1/administration/xacmlpolicies/{proxy+}",
        "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/decision",
    ] {
        List Wso2 GET "/api/appm/publisher/v1.1/xacmlpolicies" CREATE "001a 18";
        ListApps Wso2 GET "/api/appm/publisher/v1.1/xacmlpolicies/{policyPartialId}/apps/{appType}" READ "001 14";
        Validate Wso2 POST "/api/appm/publisher/v1.1/administration/xacmlpolicies/validate" ADMINISTER "001a 19";
        Create Wso2 POST "/api/appm/publisher/v1.1/administration/xacmlpolicies" ADMINISTER "001a 20";
        Read Wso2 GET "/api/appm/publisher/v1.1/administration/xacmlpolicies/{policyPartialId}" ADMINISTER "001a 22";
        Update Wso2 PUT "/api/appm/publisher/v1.1/administration/xacmlpolicies/{policyPartialId}" ADMINISTER "001a 21";
        Delete Wso2 DELETE "/api/appm/publisher/v1.1/administration/xacmlpolicies/{policyPartialId}" ADMINISTER "001 1";
        Decide Wso2 POST "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/decision" READ "own: decision";
    }

    /// 001: business owners, roles, throttling tiers, java policies, and what the log says of the
    /// use of apps.
    wso2_reference "wso2-reference" [
        "/api/appm/publisher/v1.1/administration/businessowner",
        "/api/appm/publisher/v1.1/administration/businessowner/{proxy+}",
        "/api/appm/publisher/v1.1/roles",
        "/api/appm/publisher/v1.1/javapolicies",
        "/api/appm/publisher/v1.1/apps/{appType}/throttlingtiers",
        "/api/appm/publisher/v1.1/apps/{appType}/stats/{proxy+}",
    ] {
        ListOwners Wso2 GET "/api/appm/publisher/v1.1/administration/businessowner" READ "001a 23";
        CreateOwner Wso2 POST "/api/appm/publisher/v1.1/administration/businessowner" ADMINISTER "001a 24";
        ReadOwner Wso2 GET "/api/appm/publisher/v1.1/administration/businessowner/{businessOwnerId}" READ "001a 25";
        UpdateOwner Wso2 PUT "/api/appm/publisher/v1.1/administration/businessowner/{businessOwnerId}" ADMINISTER "001a 26";
        DeleteOwner Wso2 DELETE "/api/appm/publisher/v1.1/administration/businessowner/{businessOwnerId}" ADMINISTER "001a 27";
        ListRoles Wso2 GET "/api/appm/publisher/v1.1/roles" CREATE "001a 28";
        ListJavaPolicies Wso2 GET "/api/appm/publisher/v1.1/javapolicies" CREATE "001a 29";
        ListTiers Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/throttlingtiers" READ "001a 6";
        ReadStats Wso2 GET "/api/appm/publisher/v1.1/apps/{appType}/stats/{statType}" READ "001a 14";
    }

    /// Sign-in to the Apperian API.
    apperian_sign_in "apperian-sign-in" [
        "/users/{proxy+}",
        "/v1/users/{proxy+}",
        "/v2/users/{proxy+}",
        "/catalog/{proxy+}",
        "/v1/catalog/{proxy+}",
        "/v2/catalog/{proxy+}",
    ] {
        Authenticate Apperian POST "/users/authenticate" ANY "own: Apperian users";
        AuthenticateForCatalog Apperian POST "/catalog/authenticate" ANY "own: Apperian catalog";
        SignOut Apperian DELETE "/users/authenticate" MEMBER "own: sign out";
        ReadUser Apperian GET "/users/info" MEMBER "own: Apperian users";
    }

    /// 000: apps, their policies and signatures, what they are made with, groups, and the older
    /// calls. Every path is taken with `/v1` and `/v2` before it too, and the gateway sends here
    /// what no other function has.
    apperian_applications "apperian-applications" ["/v1/{proxy+}", "/v2/{proxy+}", "$default"] {
        List Apperian GET "/applications" MEMBER "000 1";
        ListOfUser Apperian GET "/applications/user" MEMBER "own: Apperian applications";
        Create Apperian POST "/applications" WRITE_ITEMS "own: Apperian applications";
        Read Apperian GET "/applications/{application}" MEMBER "own: Apperian applications";
        Update Apperian PUT "/applications/{application}" WRITE_ITEMS "own: Apperian applications";
        NewVersion Apperian POST "/applications/{application}" WRITE_ITEMS "own: Apperian applications";
        Delete Apperian DELETE "/applications/{application}" WRITE_ITEMS "own: Apperian applications";
        ListVersions Apperian GET "/applications/{application}/versions" MEMBER "own: Apperian applications";
        Download Apperian GET "/downloads/direct/applications/{application}" MEMBER "own: Apperian downloads";
        ReadPolicies Apperian GET "/applications/{application}/policies" READ_ITEMS "000 4";
        ApplyPolicies Apperian POST "/applications/{application}/policies" WRITE_ITEMS "000 3";
        RemovePolicies Apperian DELETE "/applications/{application}/policies" WRITE_ITEMS "own: Apperian policies";
        Sign Apperian PUT "/applications/{application}/credentials/{credential}" WRITE_ITEMS "own: Apperian signing";
        ListPolicies Apperian GET "/policies" READ_ITEMS "000 2";
        ReadPolicy Apperian GET "/policies/{policy}" READ_ITEMS "own: Apperian policies";
        ListPresets Apperian GET "/policies/{policy}/configurations" READ_ITEMS "own: Apperian presets";
        CreatePreset Apperian POST "/policies/{policy}/configurations" WRITE_STORE "own: Apperian presets";
        ReadPreset Apperian GET "/policies/configurations/{configuration}" READ_ITEMS "own: Apperian presets";
        UpdatePreset Apperian PUT "/policies/configurations/{configuration}" WRITE_STORE "own: Apperian presets";
        DeletePreset Apperian DELETE "/policies/configurations/{configuration}" WRITE_STORE "own: Apperian presets";
        ReadDocument Apperian GET "/policy-documents/{tenant}/{application}" ANY "own: policy documents";
        ReadDocumentKeys Apperian GET "/policy-documents/{tenant}/keys" ANY "own: policy documents";
        ListCredentials Apperian GET "/credentials" READ_ITEMS "own: Apperian signing";
        AddCredential Apperian POST "/credentials" WRITE_STORE "own: Apperian signing";
        DeleteCredential Apperian DELETE "/credentials/{credential}" WRITE_STORE "own: Apperian signing";
        ListGroups Apperian GET "/groups" READ_GROUPS "own: Apperian groups";
        CreateGroup Apperian POST "/groups" WRITE_GROUPS "own: Apperian groups";
        ListAppsOfGroup Apperian GET "/groups/{group}" READ_GROUPS "own: Apperian groups";
        UpdateGroup Apperian PUT "/groups/{group}" WRITE_GROUPS "own: Apperian groups";
        DeleteGroup Apperian DELETE "/groups/{group}" WRITE_GROUPS "own: Apperian groups";
        AddAppsToGroup Apperian POST "/groups/{group}/applications" WRITE_GROUPS "own: Apperian groups";
        RemoveAppsFromGroup Apperian DELETE "/groups/{group}/applications" WRITE_GROUPS "own: Apperian groups";
        ListUsersOfGroup Apperian GET "/groups/{group}/users" READ_GROUPS "own: Apperian groups";
        AddUsersToGroup Apperian POST "/groups/{group}/users" WRITE_GROUPS "own: Apperian groups";
        RemoveUsersFromGroup Apperian DELETE "/groups/{group}/users" WRITE_GROUPS "own: Apperian groups";
        AddUserToGroups Apperian POST "/groups/users/{user}" WRITE_GROUPS "own: Apperian groups";
        PrepareUpload Apperian POST "/uploads" WRITE_ITEMS "own: direct upload";
        CompleteUpload Apperian POST "/uploads/{upload}/complete" WRITE_ITEMS "own: direct upload";
        AbortUpload Apperian DELETE "/uploads/{upload}" WRITE_ITEMS "own: direct upload";
        UploadStatus Apperian GET "/uploads/{upload}" WRITE_ITEMS "own: direct upload";
        CallAuthenticate ApperianCalls POST "/ease.interface.php/com.apperian.eas.user.authenticateuser" ANY "own: Apperian calls";
        CallList ApperianCalls POST "/ease.interface.php/com.apperian.eas.apps.getlist" MEMBER "own: Apperian calls";
        CallCreate ApperianCalls POST "/ease.interface.php/com.apperian.eas.apps.create" WRITE_ITEMS "own: Apperian calls";
        CallUpdate ApperianCalls POST "/ease.interface.php/com.apperian.eas.apps.update" WRITE_ITEMS "own: Apperian calls";
        CallPublish ApperianCalls POST "/ease.interface.php/com.apperian.eas.apps.publish" WRITE_ITEMS "own: Apperian calls";
        CallUnknown ApperianCalls POST "/ease.interface.php/{method}" ANY "own: Apperian calls";
        UploadOfCall Apperian POST "/upload" ANY "own: Apperian calls";
    }

    /// 002: the applications that PingID's policies name, and the settings that sign its messages.
    pingid_applications "pingid-applications" ["/pingid/rest/4/{proxy+}", "/box/srv/1.1/admin/pingid/{proxy+}"] {
        Add PingId POST "/pingid/rest/4/addapplication/do" SIGNED "002 1";
        List PingId POST "/pingid/rest/4/getapplications/do" SIGNED "002 2";
        Update PingId POST "/pingid/rest/4/updateapplications/do" SIGNED "002 3";
        Delete PingId POST "/pingid/rest/4/deleteapplications/do" SIGNED "002 4";
        ReadSettings Rhmap GET "/box/srv/1.1/admin/pingid/settings" READ_POLICIES "own: PingID settings";
        DownloadProperties Rhmap GET "/box/srv/1.1/admin/pingid/pingid.properties" WRITE_POLICIES "own: PingID settings";
        RotateKey Rhmap POST "/box/srv/1.1/admin/pingid/rotate" WRITE_POLICIES "own: PingID settings";
        RetireKey Rhmap POST "/box/srv/1.1/admin/pingid/retire" WRITE_POLICIES "own: PingID settings";
    }
}
