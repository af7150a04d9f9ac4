//! `template.yaml`, written from the route table and from what each function needs.
//!
//! What is the same for every deployment stands in `templates/template.yaml`; what is repeated per
//! function stands here as data, so that tests can hold it against the code.

use askama::Template;
pub use needs::{NEEDS, Needs, Trigger};
use shared::http::routes;
use std::path::PathBuf;

mod needs;

/// What a function's role allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// The function's name in the template.
    pub function: &'static str,
    /// Actions on the table.
    pub dynamodb: Vec<&'static str>,
    /// Actions on the bucket's objects, each with the beginning of their names; an empty one stands
    /// for the bucket itself.
    pub s3: Vec<(&'static str, &'static str)>,
    /// Actions on the key.
    pub kms: Vec<&'static str>,
}

/// What every function's role allows it, in the order of the template.
pub fn permissions() -> Vec<Permissions> {
    NEEDS
        .iter()
        .map(|needs| Permissions {
            function: needs.function,
            dynamodb: needs.dynamodb.to_vec(),
            s3: needs.s3.to_vec(),
            kms: needs.kms.to_vec(),
        })
        .collect()
}

/// `rhmap-sign-in` as CloudFormation names things: `RhmapSignIn`.
pub fn logical_id(function: &str) -> String {
    function
        .split('-')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

/// Where `template.yaml` is.
pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")
}

/// An environment variable with its value, as YAML.
struct Variable {
    name: &'static str,
    value: String,
}

/// A statement about objects of the bucket, as YAML.
struct Statement {
    sid: String,
    actions: String,
    resource: String,
}

/// A function as the text template wants it.
struct View {
    id: String,
    needs: &'static Needs,
    routes: Vec<&'static str>,
    variables: Vec<Variable>,
    dynamodb: String,
    objects: Vec<Statement>,
    kms: String,
}

#[derive(Template)]
#[template(path = "template.yaml", escape = "none")]
struct Page {
    functions: Vec<View>,
    bucket_name: &'static str,
}

/// The bucket's name without a reference to the bucket, which what the bucket notifies must not
/// have: the bucket needs its function, which would need the bucket. The stack's own id makes it
/// unique, and is lower case as S3 wants it.
const BUCKET_NAME: &str =
    r#"!Sub ["appdepot-${Id}", {Id: !Select [2, !Split ["/", !Ref AWS::StackId]]}]"#;

/// The bucket's ARN with `path` behind it.
fn bucket_arn(trigger: Trigger, path: &str) -> String {
    match trigger {
        Trigger::Upload => format!(
            r#"!Sub ["arn:${{AWS::Partition}}:s3:::appdepot-${{Id}}{path}", {{Id: !Select [2, !Split ["/", !Ref AWS::StackId]]}}]"#
        ),
        Trigger::Http | Trigger::Schedule | Trigger::Minute | Trigger::Bus | Trigger::Work => {
            format!(r#"!Sub "${{Bucket.Arn}}{path}""#)
        }
    }
}

fn variables(needs: &Needs) -> Vec<Variable> {
    let mut variables = vec![Variable {
        name: "APPDEPOT_TABLE",
        value: "!Ref Table".to_owned(),
    }];
    if !needs.s3.is_empty() {
        let value = if needs.trigger == Trigger::Upload {
            BUCKET_NAME
        } else {
            "!Ref Bucket"
        };
        variables.push(Variable {
            name: "APPDEPOT_BUCKET",
            value: value.to_owned(),
        });
    }
    if !needs.kms.is_empty() {
        variables.push(Variable {
            name: "APPDEPOT_KMS_KEY",
            value: "!GetAtt Key.Arn".to_owned(),
        });
    }
    if needs.before_sign_in {
        variables.push(Variable {
            name: "APPDEPOT_TENANT",
            value: "!Ref DefaultTenant".to_owned(),
        });
        variables.push(Variable {
            name: "APPDEPOT_BASE_DOMAIN",
            value: "!Ref BaseDomain".to_owned(),
        });
    }
    if needs.prints_addresses {
        variables.push(Variable {
            name: "APPDEPOT_PUBLIC_URL",
            value: "!Ref PublicUrl".to_owned(),
        });
    }
    if needs.mails {
        variables.push(Variable {
            name: "APPDEPOT_MAIL_FROM",
            value: "!Ref MailFrom".to_owned(),
        });
    }
    if needs.knows_providers {
        variables.push(Variable {
            name: "APPDEPOT_ALLOW_PRIVATE_ADDRESSES",
            value: "!Ref AllowPrivateAddresses".to_owned(),
        });
    }
    if needs.takes_messages {
        variables.push(Variable {
            name: "APPDEPOT_PINGID_STRICT",
            value: "!Ref PingIdStrict".to_owned(),
        });
    }
    if needs.publishes {
        variables.push(Variable {
            name: "APPDEPOT_WSO2_CREATE_STATUS",
            value: "!Ref Wso2CreateStatus".to_owned(),
        });
        variables.push(Variable {
            name: "APPDEPOT_REQUIRE_IF_MATCH",
            value: "!Ref RequireIfMatch".to_owned(),
        });
    }
    variables
}

/// One statement per beginning of the objects' names, in the order of the needs.
fn objects(needs: &Needs) -> Vec<Statement> {
    let mut prefixes: Vec<&str> = needs.s3.iter().map(|(_, prefix)| *prefix).collect();
    prefixes.dedup();
    let statement = |prefix: &&str| {
        let actions: Vec<&str> = needs
            .s3
            .iter()
            .filter(|(_, of)| of == prefix)
            .map(|(action, _)| *action)
            .collect();
        let path = if prefix.is_empty() {
            String::new()
        } else {
            format!("/{prefix}*")
        };
        let sid = if prefix.is_empty() {
            "Bucket".to_owned()
        } else {
            logical_id(prefix.trim_end_matches('/'))
        };
        Statement {
            sid,
            actions: actions.join(", "),
            resource: bucket_arn(needs.trigger, &path),
        }
    };
    prefixes.iter().map(statement).collect()
}

/// The text of `template.yaml`.
///
/// # Errors
/// A function of the route table whose needs are not written down, or the text template's.
pub fn generate() -> Result<String, Box<dyn std::error::Error>> {
    let of_http = routes::all();
    if let Some(unknown) = of_http
        .iter()
        .find(|of| !NEEDS.iter().any(|needs| needs.function == of.name))
    {
        return Err(format!(
            "template/src/needs.rs does not say what {} needs",
            unknown.name
        )
        .into());
    }
    let view = |needs: &'static Needs| View {
        id: logical_id(needs.function),
        needs,
        routes: of_http
            .iter()
            .find(|of| of.name == needs.function)
            .map(|of| of.prefixes.to_vec())
            .unwrap_or_default(),
        variables: variables(needs),
        dynamodb: needs.dynamodb.join(", "),
        objects: objects(needs),
        kms: needs.kms.join(", "),
    };
    let page = Page {
        functions: NEEDS.iter().map(view).collect(),
        bucket_name: BUCKET_NAME,
    };
    Ok(page.render()? + "\n")
}
