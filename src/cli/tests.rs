//! Arguments, exit codes and what is written.
