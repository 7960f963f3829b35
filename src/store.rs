//! The store: one trait; SQLite now, PostgreSQL later (helper C).

pub mod sqlite;
