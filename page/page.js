// What the status page does beyond showing itself; without it, it shows the same.
import { startActions } from './actions.js'
import { startFilter } from './filter.js'
import { startLive } from './live.js'

document.documentElement.dataset['script'] = 'on'
const filter = startFilter()
const live = document.getElementById('connection') === null ? undefined : startLive(() => filter?.apply())
startActions(() => live?.refresh())
