//! Where a rule stands: the decisions, without a clock.
