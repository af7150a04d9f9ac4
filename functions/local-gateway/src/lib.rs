//! What the local server is made of: a stand-in for API Gateway, S3's notifications and the
//! scheduler. It calls the same services that the Lambda binaries run. It is never in the template.

pub mod child;
pub mod clients;
pub mod command;
pub mod event;
pub mod functions;
pub mod local;
pub mod server;
pub mod stack;
pub mod uploads;
pub mod work;
