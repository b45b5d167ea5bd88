// localStorage and sessionStorage under the prefix `matchday.`, which never throw:
// a browser that blocks storage only forgets.
function wrap(area) {
  const open = () => { try { return window[area]; } catch { return null; } };
  return {
    get(key) { try { return open()?.getItem(`matchday.${key}`) ?? null; } catch { return null; } },
    set(key, value) { try { open()?.setItem(`matchday.${key}`, value); } catch { /* full or blocked */ } },
    remove(key) { try { open()?.removeItem(`matchday.${key}`); } catch { /* blocked */ } },
    getJson(key) { try { return JSON.parse(this.get(key) ?? 'null'); } catch { return null; } },
    setJson(key, value) { this.set(key, JSON.stringify(value)); },
    /** The keys that begin with `prefix`. */
    keys(prefix) {
      try { return Object.keys(open() ?? {}).filter((key) => key.startsWith(`matchday.${prefix}`)).map((key) => key.slice('matchday.'.length)); } catch { return []; }
    },
  };
}

export const store = wrap('localStorage');
export const tabStore = wrap('sessionStorage');
