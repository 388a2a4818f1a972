"""Tools that know nothing of generators: random numbers, devices, files, frames."""
