// What a browser asks for in the name of whoever uses it.

/** Whether it asks not to be followed: Global Privacy Control, or the older Do Not Track. */
export const asksForPrivacy = () => navigator.globalPrivacyControl || navigator.doNotTrack === '1';
