//! Endpoint security: which endpoints of an app's cloud code ask for its API key (003 chapter 7).
