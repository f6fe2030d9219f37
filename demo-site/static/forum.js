// The forum's script: each import is one thing that a page gains. Without any of them every page still works.
import './page-events.js'
import './enhanced-forms.js'
import './live-panel.js'
