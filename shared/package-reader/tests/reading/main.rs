//! Packages that are read: those of others, hostile ones and changed ones, and how little memory it
//! takes.

mod hostile;
mod limited;
mod mutations;
mod round_trip;
mod signature;
mod source;
