/** The version of this build; the tests hold it against package.json and CHANGELOG.md. */
export const version = "0.1.0";
