//! Files that administrators exchange with spreadsheets: registrations out and in, orders out, places in.

mod columns;
mod damage;
mod encoding;
mod orders_out;
mod places_in;
mod registrations_in;
mod registrations_out;
mod rows;
mod sheet;

pub use self::columns::Language;
pub use self::encoding::Encoding;
pub use self::orders_out::{begin_orders_export, export_orders};
pub use self::places_in::import_places;
pub use self::registrations_in::{Import, import_registrations};
pub use self::registrations_out::{begin_export, export_registrations, template};
pub use self::rows::{Arrived, FirstRows, Imported, MOST_FILE_BYTES, MOST_ROWS, Outcome, RowFault, RowFaults, Terms};

/// Files read at the same time; each may take some dozens of MiB.
pub const MOST_IMPORTS: usize = 2;
