"""Voice menus (IVR): data, the pure course through it, import and export, the simulator."""
