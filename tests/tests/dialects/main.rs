//! The four APIs over one catalogue, operation by operation.

mod apperian_apps;
mod apperian_calls;
mod apperian_groups;
mod apperian_policies;
mod catalogue;
mod files;
mod life_cycle;
mod partials;
mod pingid;
mod policies;
mod publisher_apps;
mod publisher_guards;
mod tokens;
