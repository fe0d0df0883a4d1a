/// The ledger of a coordinator.
enum LedgerPlaceholder {}
