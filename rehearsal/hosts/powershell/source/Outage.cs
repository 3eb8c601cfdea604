using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Threading;

namespace Rehearsal
{
    /// <summary>The PC's power fails after a number of changes more; outage.py is the same.</summary>
    public static class Outage
    {
        /// <summary>How many changes are still made; below zero the power is off.</summary>
        public const string Key = "power_fails_after";

        /// <summary>Counts the change from `before` to `state`; one too many ends this process, and is not made.</summary>
        public static void Spend(JsonObject before, JsonObject state)
        {
            if (before[Key] is not { } node)
            {
                return;
            }
            var left = (int)node - 1;
            (before[Key], state[Key]) = (left, left);
            if (left < 0)
            {
                Pc.Write(before);
                Process.GetCurrentProcess().Kill();
                Thread.Sleep(Timeout.Infinite);
            }
        }
    }
}
