//! Every function by its name in the template, and the gateway's choice among them.

use shared::base::error::Error;
use shared::http::pipeline::{Service, service};
use shared::http::routes;
use shared::services::context::Context;
use std::collections::HashMap;

/// The functions that answer HTTP.
#[derive(Clone)]
pub struct Functions {
    services: HashMap<&'static str, Service>,
    prefixes: matchit::Router<&'static str>,
}

impl Functions {
    /// All of them with that context.
    ///
    /// # Errors
    /// Internal for a route table that contradicts itself.
    pub fn new(context: &Context) -> Result<Self, Error> {
        let services = HashMap::from([
            (
                routes::rhmap_sign_in::FUNCTION.name,
                service::<rhmap_sign_in::SignIn>(context.clone())?,
            ),
            (
                routes::rhmap_api_keys::FUNCTION.name,
                service::<rhmap_api_keys::ApiKeys>(context.clone())?,
            ),
            (
                routes::rhmap_app_store::FUNCTION.name,
                service::<rhmap_app_store::AppStore>(context.clone())?,
            ),
            (
                routes::rhmap_store_items::FUNCTION.name,
                service::<rhmap_store_items::StoreItems>(context.clone())?,
            ),
            (
                routes::rhmap_store_groups::FUNCTION.name,
                service::<rhmap_store_groups::StoreGroups>(context.clone())?,
            ),
            (
                routes::rhmap_audit_log::FUNCTION.name,
                service::<rhmap_audit_log::AuditLog>(context.clone())?,
            ),
            (
                routes::rhmap_app_sign_in::FUNCTION.name,
                service::<rhmap_app_sign_in::AppSignIn>(context.clone())?,
            ),
            (
                routes::rhmap_auth_policies::FUNCTION.name,
                service::<rhmap_auth_policies::AuthPolicies>(context.clone())?,
            ),
            (
                routes::rhmap_devices::FUNCTION.name,
                service::<rhmap_devices::Devices>(context.clone())?,
            ),
            (
                routes::rhmap_alerts::FUNCTION.name,
                service::<rhmap_alerts::Alerts>(context.clone())?,
            ),
            (
                routes::rhmap_events::FUNCTION.name,
                service::<rhmap_events::Events>(context.clone())?,
            ),
            (
                routes::rhmap_endpoint_security::FUNCTION.name,
                service::<rhmap_endpoint_security::EndpointSecurity>(context.clone())?,
            ),
            (
                routes::rhmap_roles::FUNCTION.name,
                service::<rhmap_roles::Roles>(context.clone())?,
            ),
            (
                routes::rhmap_teams::FUNCTION.name,
                service::<rhmap_teams::Teams>(context.clone())?,
            ),
            (
                routes::rhmap_users::FUNCTION.name,
                service::<rhmap_users::Users>(context.clone())?,
            ),
            (
                routes::rhmap_store_client::FUNCTION.name,
                service::<rhmap_store_client::StoreClient>(context.clone())?,
            ),
            (
                routes::wso2_oauth::FUNCTION.name,
                service::<wso2_oauth::OAuth>(context.clone())?,
            ),
            (
                routes::wso2_apps::FUNCTION.name,
                service::<wso2_apps::Apps>(context.clone())?,
            ),
            (
                routes::wso2_documents::FUNCTION.name,
                service::<wso2_documents::Documents>(context.clone())?,
            ),
            (
                routes::wso2_files::FUNCTION.name,
                service::<wso2_files::Files>(context.clone())?,
            ),
            (
                routes::wso2_policies::FUNCTION.name,
                service::<wso2_policies::Policies>(context.clone())?,
            ),
            (
                routes::wso2_reference::FUNCTION.name,
                service::<wso2_reference::Reference>(context.clone())?,
            ),
            (
                routes::apperian_sign_in::FUNCTION.name,
                service::<apperian_sign_in::SignIn>(context.clone())?,
            ),
            (
                routes::apperian_applications::FUNCTION.name,
                service::<apperian_applications::Applications>(context.clone())?,
            ),
            (
                routes::pingid_applications::FUNCTION.name,
                service::<pingid_applications::Applications>(context.clone())?,
            ),
        ]);
        Ok(Self {
            services,
            prefixes: prefixes().map_err(Error::internal)?,
        })
    }

    /// The function that the gateway sends this path to.
    pub fn of_path(&self, path: &str) -> Option<(&'static str, Service)> {
        let path = path
            .strip_suffix('/')
            .filter(|shorter| !shorter.is_empty())
            .unwrap_or(path);
        let name = function_of(&self.prefixes, path)?;
        Some((name, self.of_name(name)?))
    }

    /// The function of that name.
    pub fn of_name(&self, name: &str) -> Option<Service> {
        self.services.get(name).cloned()
    }
}

/// The gateway's route for what no other route takes.
const DEFAULT: &str = "$default";

fn prefixes() -> Result<matchit::Router<&'static str>, matchit::InsertError> {
    let mut prefixes = matchit::Router::new();
    for function in routes::all() {
        for prefix in function
            .prefixes
            .iter()
            .filter(|prefix| **prefix != DEFAULT)
        {
            prefixes.insert(prefix.replace("{proxy+}", "{*proxy}"), function.name)?;
        }
    }
    Ok(prefixes)
}

fn function_of(prefixes: &matchit::Router<&'static str>, path: &str) -> Option<&'static str> {
    match prefixes.at(path) {
        Ok(found) => Some(*found.value),
        Err(_) => routes::all()
            .into_iter()
            .find(|function| function.prefixes.contains(&DEFAULT))
            .map(|function| function.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_function() {
        let names: Vec<&str> = routes::all().iter().map(|function| function.name).collect();
        let prefixes = prefixes().unwrap();
        for function in routes::all() {
            for row in &function.rows {
                assert!(names.contains(&row.function));
                assert_eq!(
                    function_of(&prefixes, row.path),
                    Some(row.function),
                    "{}",
                    row.path
                );
            }
        }
    }
}
