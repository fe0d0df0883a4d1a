/// Who computes what.
enum BalancingPlaceholder {}
