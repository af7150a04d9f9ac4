//! People, their devices and teams: who signs in, with which rights, and what administrators read
//! of it.

mod devices;
mod endpoint_security;
mod members;
mod sign_in;
mod teams;
mod told;
mod users;
