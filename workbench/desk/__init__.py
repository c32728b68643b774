"""The interactive desk: a viewer, scopes and controls for tuning a look in a notebook."""
