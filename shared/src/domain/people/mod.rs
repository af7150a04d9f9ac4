//! Users, groups, teams, tenants and the policies by which users sign in.

pub mod auth_policy;
pub mod group;
pub mod password;
pub mod roles;
pub mod team;
pub mod tenant;
pub mod user;
pub mod user_changes;
pub mod user_import;
pub mod user_list;
