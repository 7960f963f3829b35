//! Scenes: a town, a tool, a provider on port 0; a short story; then what happened, and what did not.

mod tidy;
