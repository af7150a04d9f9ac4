//! Holds `template.yaml` against the route table, the functions' code, and what a deployment must
//! have.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeSet;
use std::path::Path;

use appdepot_template::{NEEDS, Trigger, logical_id};
use shared::http::routes;
use yaml::Node;

mod yaml;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn committed() -> Node {
    Node::parse(&std::fs::read_to_string(appdepot_template::path()).unwrap())
}

/// The resources of one type, by their logical ids.
fn of_type<'a>(template: &'a Node, wanted: &str) -> Vec<(&'a str, &'a Node)> {
    template
        .at("Resources")
        .entries()
        .filter(|(_, resource)| resource.at("Type").text() == wanted)
        .map(|(id, resource)| (id, resource.at("Properties")))
        .collect()
}

fn functions(template: &Node) -> Vec<(&str, &Node)> {
    of_type(template, "AWS::Serverless::Function")
}

#[test]
fn the_committed_template_is_what_is_generated() {
    let generated = appdepot_template::generate().unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(appdepot_template::path(), &generated).unwrap();
    }
    let committed = std::fs::read_to_string(appdepot_template::path()).unwrap();
    assert!(
        committed == generated,
        "template.yaml is not what is generated: run `cargo run -p appdepot-template`"
    );
}

#[test]
fn there_is_one_function_per_crate_and_its_build_finds_it() {
    let template = committed();
    let crates: BTreeSet<String> = std::fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = NEEDS
        .iter()
        .map(|needs| needs.function.to_owned())
        .chain(["local-gateway".to_owned()])
        .collect();
    assert_eq!(
        crates, known,
        "functions/ and template/src/needs.rs name the same functions"
    );
    let in_table: BTreeSet<&str> = routes::all().iter().map(|function| function.name).collect();
    let of_http: BTreeSet<&str> = NEEDS
        .iter()
        .filter(|needs| needs.trigger == Trigger::Http)
        .map(|needs| needs.function)
        .collect();
    assert_eq!(of_http, in_table);
    assert_eq!(functions(&template).len(), NEEDS.len());
    for (needs, (id, function)) in NEEDS.iter().zip(functions(&template)) {
        assert_eq!(id, logical_id(needs.function));
        assert_eq!(
            function.at("CodeUri").text(),
            format!("functions/{}", needs.function)
        );
        let manifest = std::fs::read_to_string(
            root()
                .join(function.at("CodeUri").text())
                .join("Cargo.toml"),
        )
        .unwrap();
        assert!(
            manifest.contains(&format!("name = \"{}\"\n", needs.function)),
            "{id}: the package is not called {}",
            needs.function
        );
        let build = template.at("Resources").at(id).at("Metadata");
        assert_eq!(build.at("BuildMethod").text(), "rust-cargolambda");
        assert_eq!(
            build.at("BuildProperties").at("Binary").text(),
            needs.function
        );
    }
}

/// What `main.rs` starts a function with is what its environment and its role give it.
#[test]
fn a_function_has_what_its_start_asks_for() {
    let template = committed();
    for (needs, (id, function)) in NEEDS.iter().zip(functions(&template)) {
        let start = std::fs::read_to_string(
            root()
                .join("functions")
                .join(needs.function)
                .join("src/main.rs"),
        )
        .unwrap();
        assert!(start.contains("with_table"), "{id}");
        let variables: BTreeSet<&str> = function
            .at("Environment")
            .at("Variables")
            .entries()
            .map(|(name, _)| name)
            .collect();
        assert!(variables.contains("APPDEPOT_TABLE"), "{id}");
        for (step, variable, allowed) in [
            ("and_objects", "APPDEPOT_BUCKET", !needs.s3.is_empty()),
            ("and_keys", "APPDEPOT_KMS_KEY", !needs.kms.is_empty()),
        ] {
            assert_eq!(
                start.contains(step),
                variables.contains(variable),
                "{id}: {variable}"
            );
            assert_eq!(start.contains(step), allowed, "{id}: {step}");
        }
        let parts = [
            "with_table",
            "and_objects",
            "and_keys",
            "run_http",
            "run_event",
        ];
        let run = if needs.trigger == Trigger::Http {
            parts[3]
        } else {
            parts[4]
        };
        assert!(start.contains(run), "{id} does not {run}");
    }
}

/// The route of what no other route takes.
const DEFAULT: &str = "$default";

/// A route of the API.
struct Route<'a> {
    function: &'a str,
    segments: Vec<String>,
}

fn segments(path: &str) -> Vec<String> {
    path.trim_start_matches('/')
        .split('/')
        .map(str::to_owned)
        .collect()
}

fn api_routes(template: &Node) -> Vec<Route<'_>> {
    let mut found = Vec::new();
    for (id, function) in functions(template) {
        let Some(events) = function.find("Events") else {
            panic!("{id} is never called")
        };
        for (_, event) in events
            .entries()
            .filter(|(_, event)| event.at("Type").text() == "HttpApi")
        {
            let Some(path) = event.at("Properties").find("Path") else {
                assert!(
                    event.at("Properties").find("Method").is_none(),
                    "{id}: SAM makes the default route of an event without both"
                );
                found.push(Route {
                    function: id,
                    segments: segments(DEFAULT),
                });
                continue;
            };
            assert_eq!(event.at("Properties").at("Method").text(), "ANY");
            found.push(Route {
                function: id,
                segments: segments(path.text()),
            });
        }
    }
    found
}

impl Route<'_> {
    /// How well this route fits the path, the larger the better; `None` where it does not. API
    /// Gateway takes a match of the whole path before one by `{proxy+}`, and of those the most
    /// specific, and the default where there is no other.
    fn fit(&self, path: &[String]) -> Option<(bool, usize)> {
        if self.segments == [DEFAULT] {
            return Some((false, 0));
        }
        let greedy = self
            .segments
            .last()
            .is_some_and(|last| last.ends_with("+}"));
        let fixed = self.segments.len() - usize::from(greedy);
        let long_enough = if greedy {
            path.len() > fixed
        } else {
            path.len() == fixed
        };
        let same = |(ours, theirs): (&String, &String)| {
            ours == theirs || (ours.starts_with('{') && !theirs.is_empty())
        };
        let literal = self
            .segments
            .iter()
            .filter(|segment| !segment.starts_with('{'))
            .count();
        (long_enough && self.segments[..fixed].iter().zip(path).all(same))
            .then_some((!greedy, literal))
    }
}

/// The one route that API Gateway takes for a path.
fn taken<'a>(routes: &'a [Route<'a>], path: &str) -> Option<&'a str> {
    let path = segments(path);
    let best = routes.iter().filter_map(|route| route.fit(&path)).max()?;
    let mut winners = routes
        .iter()
        .filter(|route| route.fit(&path) == Some(best))
        .map(|route| route.function);
    let winner = winners.next();
    assert!(
        winners.all(|other| Some(other) == winner),
        "{path:?} could go to two functions"
    );
    winner
}

#[test]
fn every_row_reaches_its_own_function() {
    let template = committed();
    let routes = api_routes(&template);
    let mut rows = 0;
    for function in routes::all() {
        for row in function.rows {
            // A parameter's value can be a word that is fixed in another path.
            for value in ["dev", "user", "api", "admin", "storeitem", "a.b-c"] {
                let path: Vec<String> = segments(row.path)
                    .into_iter()
                    .map(|segment| {
                        if segment.starts_with('{') {
                            value.to_owned()
                        } else {
                            segment
                        }
                    })
                    .collect();
                assert_eq!(
                    taken(&routes, &path.join("/")),
                    Some(logical_id(row.function).as_str()),
                    "{}",
                    row.path
                );
            }
            rows += 1;
        }
    }
    println!("{rows} rows through {} API routes", routes.len());
    assert!(routes.len() < 100, "{} API routes", routes.len());
    for nowhere in [
        "/",
        "/box",
        "/box/srv/1.1/admin/storeitem",
        "/box/srv/1.1/admin/nothing/list",
        "/healthy",
    ] {
        assert_eq!(
            taken(&routes, nowhere),
            Some("ApperianApplications"),
            "{nowhere}: the API without a beginning of its own says that there is no such operation"
        );
    }
}

#[test]
fn the_route_that_says_more_is_taken() {
    let route = |function, path: &str| Route {
        function,
        segments: segments(path),
    };
    let routes = [
        route("greedy", "/a/{proxy+}"),
        route("longer", "/a/b/{proxy+}"),
        route("one", "/a/{x}"),
        route("full", "/a/b"),
    ];
    for (path, function) in [
        ("/a/b", "full"),
        ("/a/c", "one"),
        ("/a/b/c", "longer"),
        ("/a/c/d", "greedy"),
    ] {
        assert_eq!(taken(&routes, path), Some(function), "{path}");
    }
    assert_eq!(taken(&routes, "/b"), None);
    let routes = [route("default", DEFAULT), route("greedy", "/a/{proxy+}")];
    for (path, function) in [
        ("/b", "default"),
        ("/a", "default"),
        ("/a/b", "greedy"),
        ("/", "default"),
    ] {
        assert_eq!(taken(&routes, path), Some(function), "{path}");
    }
}

/// What SAM makes of the template, counted.
#[test]
fn the_template_stays_below_what_cloudformation_takes() {
    let template = committed();
    let mut count = 0;
    for (id, resource) in template.at("Resources").entries() {
        let properties = resource.find("Properties");
        count += match resource.at("Type").text() {
            "AWS::Serverless::HttpApi" => 2,
            "AWS::Serverless::Function" => {
                let function = properties.unwrap();
                let events = function.find("Events").into_iter().flat_map(Node::entries);
                // A permission to call the function; for a schedule, the schedule and its role.
                let events: usize = events
                    .map(|(_, event)| {
                        if event.at("Type").text() == "ScheduleV2" {
                            2
                        } else {
                            1
                        }
                    })
                    .sum();
                1 + events
                    + usize::from(function.find("EventInvokeConfig").is_some())
                    + usize::from(function.find("Role").is_none())
            }
            kind if kind.starts_with("AWS::Serverless::") => {
                panic!("{id}: how many resources does {kind} become?")
            }
            _ => 1,
        };
    }
    println!("{count} resources");
    assert!(count < 400, "{count} resources");
}

/// The statements of every role, with the role's id.
fn statements(template: &Node) -> Vec<(&str, &Node)> {
    let mut found = Vec::new();
    for (id, role) in of_type(template, "AWS::IAM::Role") {
        assert!(
            role.find("ManagedPolicyArns").is_none(),
            "{id} holds what AWS writes"
        );
        for policy in role.at("Policies").items() {
            found.extend(
                policy
                    .at("PolicyDocument")
                    .at("Statement")
                    .items()
                    .map(|statement| (id, statement)),
            );
        }
    }
    found
}

#[test]
fn no_role_allows_more_than_is_named() {
    let template = committed();
    for (id, function) in functions(&template) {
        assert_eq!(
            function.at("Role").at("Fn::GetAtt").text(),
            format!("{id}Role.Arn"),
            "each function has its own role"
        );
        assert!(function.find("Policies").is_none(), "{id}");
    }
    for (id, statement) in statements(&template) {
        assert_eq!(statement.at("Effect").text(), "Allow");
        for action in statement.at("Action").items() {
            assert!(!action.text().contains('*'), "{id}: {}", action.text());
        }
        let resource = statement.at("Resource");
        let text = resource
            .find("Fn::GetAtt")
            .or_else(|| resource.find("Fn::Sub"))
            .unwrap_or(resource);
        let text = if let Node::List(parts) = text {
            parts[0].text()
        } else {
            text.text()
        };
        let names = text.strip_suffix("*").unwrap_or(text);
        // The identity that SES verified is the address or its domain; the condition names the one
        // sender.
        if names.ends_with(":identity/") {
            assert_eq!(
                statement
                    .at("Condition")
                    .at("StringEquals")
                    .at("ses:FromAddress")
                    .at("Ref")
                    .text(),
                "MailFrom",
                "{id}"
            );
            continue;
        }
        let folder = ["incoming/", "binaries/", "static/"]
            .iter()
            .any(|folder| names.ends_with(folder));
        assert!(
            !names.contains('*') && (names == text || folder),
            "{id}: {text}"
        );
    }
    assert_eq!(
        template
            .text_of_all("Principal")
            .into_iter()
            .filter(|principal| *principal == "*")
            .count(),
        1,
        "only the refusal of plain HTTP is for everybody"
    );
}

#[test]
fn the_roles_are_the_table_of_permissions() {
    let template = committed();
    for permissions in appdepot_template::permissions() {
        let role = format!("{}Role", logical_id(permissions.function));
        let mut of_role = Vec::new();
        for (_, statement) in statements(&template)
            .into_iter()
            .filter(|(id, _)| *id == role)
        {
            of_role.extend(statement.at("Action").items().map(Node::text));
        }
        let mut wanted = vec!["logs:CreateLogStream", "logs:PutLogEvents"];
        wanted.extend(&permissions.dynamodb);
        wanted.extend(permissions.s3.iter().map(|(action, _)| *action));
        wanted.extend(&permissions.kms);
        if NEEDS
            .iter()
            .any(|needs| needs.function == permissions.function && needs.mails)
        {
            wanted.extend(["ses:SendEmail", "ses:SendRawEmail"]);
        }
        if NEEDS
            .iter()
            .any(|needs| needs.function == permissions.function && needs.trigger != Trigger::Http)
        {
            wanted.push("sqs:SendMessage");
        }
        if NEEDS
            .iter()
            .any(|needs| needs.function == permissions.function && needs.trigger == Trigger::Work)
        {
            wanted.extend([
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
            ]);
        }
        of_role.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(of_role, wanted, "{role}");
        assert!(
            permissions
                .s3
                .iter()
                .all(|(action, prefix)| prefix.is_empty() == (*action == "s3:ListBucket"))
        );
    }
}

/// The alarms on `metric` whose one dimension is `value`.
fn alarms<'a>(template: &'a Node, metric: &str, value: &Node) -> Vec<&'a Node> {
    let found = of_type(template, "AWS::CloudWatch::Alarm")
        .into_iter()
        .map(|(_, alarm)| alarm);
    found
        .filter(|alarm| {
            alarm.at("MetricName").text() == metric
                && alarm
                    .at("Dimensions")
                    .items()
                    .any(|dimension| dimension.at("Value") == value)
        })
        .collect()
}

fn call(function: &str, argument: &str) -> Node {
    Node::Map(vec![(function.to_owned(), Node::Text(argument.to_owned()))])
}

#[test]
fn nothing_that_happens_unattended_is_lost_in_silence() {
    let template = committed();
    let mut sources = 0;
    for (id, function) in functions(&template) {
        assert_eq!(
            alarms(&template, "Errors", &call("Ref", id)).len(),
            1,
            "{id}"
        );
        for (name, event) in function
            .at("Events")
            .entries()
            .filter(|(_, event)| event.at("Type").text() != "HttpApi")
        {
            sources += 1;
            // What reads a stream is called and tries again by itself; other events wait in a queue
            // of the platform's.
            let stream = event.at("Type").text() == "DynamoDB";
            // What runs every minute does then what the run before left.
            let minutely = event
                .at("Properties")
                .find("ScheduleExpression")
                .is_some_and(|schedule| *schedule == Node::Text("rate(1 minute)".to_owned()));
            let (invocation, tries) = match (stream, minutely) {
                (true, _) => (event.at("Properties"), "4"),
                (_, true) => (function.at("EventInvokeConfig"), "0"),
                _ => (function.at("EventInvokeConfig"), "2"),
            };
            assert_eq!(invocation.at("MaximumRetryAttempts").text(), tries, "{id}");
            let failed = invocation.at("DestinationConfig").at("OnFailure");
            assert_eq!(failed.at("Type").text(), "SQS");
            let queue = failed
                .at("Destination")
                .at("Fn::GetAtt")
                .text()
                .strip_suffix(".Arn")
                .unwrap();
            let properties = template.at("Resources").at(queue).at("Properties");
            assert_eq!(
                properties.at("MessageRetentionPeriod").text(),
                (14 * 24 * 3600).to_string(),
                "{queue}"
            );
            assert_eq!(
                properties.at("SqsManagedSseEnabled").text(),
                "true",
                "{queue}"
            );
            let waiting = alarms(
                &template,
                "ApproximateNumberOfMessagesVisible",
                &call("Fn::GetAtt", &format!("{queue}.QueueName")),
            );
            assert_eq!(waiting.len(), 1, "{queue}");
            assert_eq!(waiting[0].at("Threshold").text(), "1");
            if ["ScheduleV2", "EventBridgeRule"].contains(&event.at("Type").text()) {
                let arn = event.at("Properties").at("DeadLetterConfig").at("Arn");
                assert_eq!(
                    *arn,
                    call("Fn::GetAtt", &format!("{queue}.Arn")),
                    "{id}.{name}"
                );
            }
            if event.at("Type").text() == "EventBridgeRule" {
                let allowed = template
                    .at("Resources")
                    .at(&format!("{queue}Policy"))
                    .at("Properties")
                    .at("PolicyDocument")
                    .at("Statement")
                    .items()
                    .next();
                let allowed = allowed.unwrap_or_else(|| panic!("nobody may write into {queue}"));
                assert_eq!(
                    (
                        allowed.at("Principal").at("Service").text(),
                        allowed.at("Action").text()
                    ),
                    ("events.amazonaws.com", "sqs:SendMessage")
                );
            }
        }
    }
    assert_eq!(
        sources,
        NEEDS
            .iter()
            .filter(|needs| needs.trigger != Trigger::Http)
            .count()
    );
    assert_eq!(
        of_type(&template, "AWS::SQS::Queue").len(),
        sources,
        "each its own queue"
    );
    assert_eq!(alarms(&template, "5xx", &call("Ref", "HttpApi")).len(), 1);
    let told =
        Node::parse("AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]");
    for (id, alarm) in of_type(&template, "AWS::CloudWatch::Alarm") {
        assert_eq!(alarm.at("AlarmActions"), told.at("AlarmActions"), "{id}");
        assert_eq!(alarm.at("TreatMissingData").text(), "notBreaching", "{id}");
    }
}

/// A function that is called for every write to the table would cost more than all others together.
#[test]
fn the_stream_tells_of_new_jobs_and_of_nothing_else() {
    let template = committed();
    let table = template.at("Resources").at("Table").at("Properties");
    assert_eq!(
        table.at("StreamSpecification").at("StreamViewType").text(),
        "NEW_IMAGE",
        "the filter sees the new item"
    );
    for needs in NEEDS.iter().filter(|needs| needs.trigger == Trigger::Work) {
        let resources = template.at("Resources").at(&logical_id(needs.function));
        let function = resources.at("Properties");
        let (_, event) = function.at("Events").entries().next().unwrap();
        let source = event.at("Properties");
        assert_eq!(*source.at("Stream"), call("Fn::GetAtt", "Table.StreamArn"));
        assert_eq!(
            source.at("BatchSize").text(),
            "1",
            "one package at a time has the whole disk and the whole time"
        );
        let filters: Vec<&Node> = source.at("FilterCriteria").at("Filters").items().collect();
        assert_eq!(filters.len(), 1);
        let pattern: serde_json::Value =
            serde_json::from_str(filters[0].at("Pattern").text()).unwrap();
        let kind = <shared::model::apps::processing::Job as shared::store::record::Record>::KIND;
        assert_eq!(
            pattern,
            serde_json::json!({
                "eventName": ["INSERT"],
                "dynamodb": {"NewImage": {"kind": {"S": [kind]}}},
            })
        );
        assert_eq!(
            function.at("Timeout").text(),
            shared::domain::app_policies::job::ATTEMPT_SECONDS.to_string()
        );
        assert_eq!(
            source.at("MaximumRecordAgeInSeconds").text(),
            shared::model::apps::processing::LOST_SECONDS.to_string(),
            "what is lost is not done later"
        );
    }
}

#[test]
fn logs_do_not_stay_for_ever() {
    let template = committed();
    let groups = of_type(&template, "AWS::Logs::LogGroup");
    for (id, group) in &groups {
        assert_eq!(
            *group.at("RetentionInDays"),
            call("Ref", "LogRetentionDays"),
            "{id}"
        );
    }
    for (id, function) in functions(&template) {
        let group = function.at("LoggingConfig").at("LogGroup").at("Ref").text();
        assert_eq!(group, format!("{id}Log"));
        assert!(groups.iter().any(|(known, _)| *known == group), "{id}");
    }
    let api = of_type(&template, "AWS::Serverless::HttpApi");
    assert_eq!(api.len(), 1);
    assert_eq!(
        api[0]
            .1
            .at("AccessLogSettings")
            .at("DestinationArn")
            .at("Fn::GetAtt")
            .text(),
        "HttpApiLog.Arn"
    );
    let format = api[0].1.at("AccessLogSettings").at("Format").text();
    assert!(
        !format.contains("$context.path") && !format.contains("rawPath"),
        "a ticket in a path is a credential"
    );
}

#[test]
fn what_is_kept_outlives_the_stack() {
    let template = committed();
    let resources = template.at("Resources");
    for id in ["Table", "Bucket", "Key"] {
        assert_eq!(
            resources.at(id).at("DeletionPolicy").text(),
            "Retain",
            "{id}"
        );
        assert_eq!(
            resources.at(id).at("UpdateReplacePolicy").text(),
            "Retain",
            "{id}"
        );
    }
    let bucket = resources.at("Bucket").at("Properties");
    for (name, closed) in bucket.at("PublicAccessBlockConfiguration").entries() {
        assert_eq!(closed.text(), "true", "{name}");
    }
    assert_eq!(
        bucket
            .at("PublicAccessBlockConfiguration")
            .entries()
            .count(),
        4
    );
}

/// CloudFormation refuses a circle, which the linters do not see: the bucket needs the function
/// that it notifies.
#[test]
fn what_the_bucket_notifies_does_not_need_the_bucket() {
    let template = committed();
    for needs in NEEDS
        .iter()
        .filter(|needs| needs.trigger == Trigger::Upload)
    {
        let (id, resources) = (logical_id(needs.function), template.at("Resources"));
        let mut function = resources.at(&id).at("Properties").clone();
        if let Node::Map(entries) = &mut function {
            // SAM turns the event into a property of the bucket.
            entries.retain(|(name, _)| name != "Events");
        }
        for node in [&function, resources.at(&format!("{id}Role"))] {
            let mut texts = node.text_of_all("Ref");
            texts.extend(node.text_of_all("Fn::GetAtt"));
            texts.extend(node.text_of_all("Fn::Sub"));
            for text in texts {
                assert!(
                    text != "Bucket" && !text.starts_with("Bucket.") && !text.contains("${Bucket"),
                    "{id}: {text}"
                );
            }
        }
        assert_eq!(
            *function
                .at("Environment")
                .at("Variables")
                .at("APPDEPOT_BUCKET"),
            *resources.at("Bucket").at("Properties").at("BucketName")
        );
    }
}

/// Whoever follows the deployment page makes the tenant of requests that name none: else nobody
/// could sign in.
#[test]
fn the_first_tenant_is_the_default_tenant() {
    let template = committed();
    let default = template.at("Parameters").at("DefaultTenant").at("Default");
    // The local server's own default, which makes the tenant where no `--tenant` is given.
    assert_eq!(default.text(), "dev");
    let command = template
        .at("Outputs")
        .at("CreateTenant")
        .at("Value")
        .at("Fn::Sub")
        .text();
    for option in [
        "--table ${Table}",
        "--bucket ${Bucket}",
        "--kms-key ${Key.Arn}",
        "--tenant ${DefaultTenant}",
    ] {
        assert!(command.contains(option), "{option} in {command}");
    }
    assert!(command.ends_with(" --create-tenant"), "{command}");
}

/// `sam deploy` takes its answers from this file: what is missing it would ask for, or refuse.
#[test]
fn a_deployment_asks_nothing() {
    let text = std::fs::read_to_string(root().join("samconfig.toml")).unwrap();
    let settings: BTreeSet<&str> = text.lines().map(str::trim).collect();
    for setting in [
        "stack_name = \"appdepot\"",
        "capabilities = \"CAPABILITY_IAM\"",
        "resolve_s3 = true",
        "confirm_changeset = false",
    ] {
        assert!(settings.contains(setting), "{setting}");
    }
    // Named roles would need another capability.
    let template = committed();
    for (id, role) in of_type(&template, "AWS::IAM::Role") {
        assert!(role.find("RoleName").is_none(), "{id}");
    }
}
