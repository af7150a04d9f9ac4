//! The rules of the house, whoever asks and in whatever dialect.

pub mod api_key;
pub mod app;
pub mod audit;
pub mod credential;
pub mod device;
pub mod group;
pub mod housekeeping;
pub mod links;
pub mod password;
pub mod policy;
pub mod sign_in;
pub mod store_front;
pub mod team;
pub mod tenant;
pub mod text;
pub mod upload;
pub mod user;
pub mod user_changes;
pub mod user_import;
pub mod user_list;
