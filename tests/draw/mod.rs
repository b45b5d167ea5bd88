//! The checkable draw: from its announcement over HTTP to its verification offline.

mod command_line;
mod download;
mod flow;
mod groups;
mod refusals;
mod support;
