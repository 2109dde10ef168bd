// The knowledge base at the desk: one module that brings the others, each loaded once.
import "/kb/static/panel.js";
import "/kb/static/use.js";
import "/kb/static/favourites.js";
import "/kb/static/menu.js";
import "/kb/static/links.js";
import "/kb/static/suggest.js";
