"""PartiQL as QLDB spoke it: parsed once, compiled once per catalogue version, run as closures."""
