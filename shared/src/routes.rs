//! The route table: every path of every dialect stands here, once.
//!
//! It drives dispatch, the local gateway, `template.yaml`, the operation table in the docs, and the tests that walk over
//! every route.

use http::Method;

use crate::access::{Permission, Right};
use crate::dialect::Dialect;

/// One route.
#[derive(Clone, Debug)]
pub struct Row {
    /// The function that serves it.
    pub function: &'static str,
    /// The operation's name, as in the function's `Op`.
    pub operation: &'static str,
    /// The dialect that it speaks.
    pub dialect: Dialect,
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// What it asks of its caller.
    pub permission: Permission,
    /// The section of the document, or `own: …` for what no document has.
    pub section: &'static str,
}

/// A function: its name, where the API sends requests to it, and its rows with the operation of each.
pub struct Function<Op: 'static> {
    /// The function's name in the template.
    pub name: &'static str,
    /// The API's routes that lead to it, in API Gateway's form.
    pub prefixes: &'static [&'static str],
    /// Its rows.
    pub rows: fn() -> Vec<(Row, Op)>,
}

/// What the template and the tests know of a function.
pub struct Summary {
    /// The function's name in the template.
    pub name: &'static str,
    /// The API's routes that lead to it, in API Gateway's form.
    pub prefixes: &'static [&'static str],
    /// Its rows.
    pub rows: Vec<Row>,
}

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

                fn rows() -> Vec<(Row, Op)> {
                    vec![$($((Row {
                        function: $name,
                        operation: stringify!($op),
                        dialect: Dialect::$dialect,
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
    /// Sign-in of members and of apps' users, and what their clients ask on the way (`tst/version`, `user/read`).
    rhmap_sign_in "rhmap-sign-in" [
        "/health",
        "/box/srv/1.1/tst/{proxy+}",
        "/box/srv/1.1/act/{proxy+}",
        "/box/srv/1.1/ide/{domain}/user/{proxy+}",
        "/box/srv/1.1/admin/authpolicy/{proxy+}",
    ] {
        Health Rhmap GET "/health" ANY "own: health";
        Version Rhmap GET "/box/srv/1.1/tst/version" ANY "own: fhc target";
        Login Rhmap POST "/box/srv/1.1/act/sys/auth/login" ANY "own: fhc login";
        Logout Rhmap POST "/box/srv/1.1/act/sys/auth/logout" MEMBER "own: fhc logout";
        ReadUser
            Rhmap GET "/box/srv/1.1/ide/{domain}/user/read" MEMBER "own: fhc user",
            Rhmap POST "/box/srv/1.1/ide/{domain}/user/read" MEMBER "own: fhc user";
        SetProp Rhmap POST "/box/srv/1.1/ide/{domain}/user/setProp" MEMBER "own: fhc login";
        Auth RhmapSdk POST "/box/srv/1.1/admin/authpolicy/auth" ANY "own: $fh.auth";
        VerifySession RhmapSdk POST "/box/srv/1.1/admin/authpolicy/verifysession" ANY "own: $fh.auth";
        RevokeSession RhmapSdk POST "/box/srv/1.1/admin/authpolicy/revokesession" ANY "own: $fh.auth";
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

    /// 003 2.23 to 2.25: what the store's client on a device asks, and the links that an installing device follows.
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
}
