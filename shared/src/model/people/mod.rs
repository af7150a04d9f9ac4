//! Users, groups, teams, devices, auth policies, tenants; and who is calling.

pub mod auth_policy;
pub mod device;
pub mod group;
pub mod principal;
pub mod team;
pub mod tenant;
pub mod user;
pub mod user_import;
